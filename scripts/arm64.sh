# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Debian's arm64 packages from the host's own sources, without touching its lists and architectures:
# apt runs with state, cache and source list of its own under .guest/apt. Needs no root. Sourced
# after lib.sh.

apt_options=()
prepare_apt() {
    ((${#apt_options[@]})) && return
    local apt=$guest/apt file
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,sources.list.d}
    : >"$apt/status"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
        [[ -f $file ]] || continue
        # Without the limits to the host's architectures; all else, keys included, as the host has it.
        sed -E '/^Architectures:/Id; s/\barch=[^] ]*//; s/\[ *\]//' "$file" >"$apt/sources.list.d/${file##*/}"
    done
    apt_options=(-o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache"
        -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/sources.list.d"
        -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Get::List-Cleanup=0
        -o Acquire::Languages=none -o APT::Sandbox::User= -o Debug::NoLocking=1)
    if [[ -n ${refresh:-} || ! -f $apt/updated ]]; then
        say "reading the arm64 package lists"
        # A source of somebody else may have no arm64 or be away; what matters is checked below.
        apt-get "${apt_options[@]}" update -qq >&2 || say "some package source did not answer"
        touch "$apt/updated"
    fi
}

# fetch PACKAGE FOLDER: unpacks the package of that name.
fetch() {
    local package=$1 folder=$2 debs=$guest/apt/debs
    prepare_apt
    mkdir -p "$debs" "$folder"
    say "fetching $package for arm64"
    rm -f "$debs/${package}"_*.deb
    (cd "$debs" && apt-get "${apt_options[@]}" download -qq "$package" >&2) ||
        die "apt has no $package for arm64; are Debian's package sources configured and reachable?"
    dpkg-deb -x "$debs/${package}"_*.deb "$folder"
    (cd "$debs" && printf '%s\n' "${package}"_*.deb) >>"$guest/versions"
    rm -f "$debs/${package}"_*.deb
}
