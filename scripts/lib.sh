# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034 # the variables are for those who source this
# What the scripts share. Sourced; the caller has set -euo pipefail.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
guest=${GH_GUEST:-$root/.guest}

build_packages=(g++ cmake ninja-build libcli11-dev libfdt-dev nlohmann-json3-dev doctest-dev
    zlib1g-dev liblz4-dev libzstd-dev libasmjit-dev libseccomp-dev
    liburing-dev)
guest_packages=(apt cpio gzip)
test_packages=(python3 e2fsprogs device-tree-compiler qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    binutils-aarch64-linux-gnu gdb-multiarch)
test_packages+=(passt iproute2 procps) # for network cards
test_packages+=(qemu-system-common util-linux) # for shared folders
arm64_packages=(g++-aarch64-linux-gnu cmake ninja-build qemu-user python3)
ci_packages=(clang-14 clang-tidy-14 clang-format-14 shellcheck mandoc dt-schema)
bench_packages=(qemu-system-arm strace)

# Progress goes to stderr: stdout belongs to what the script prints.
say() { printf '\033[1m%s: %s\033[0m\n' "${0##*/}" "$*" >&2; }
die() {
    printf '%s: error: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root and there is no sudo: $*"
    fi
}

installed() { [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]; }

# Installs those of the named packages that are missing; asks nothing and touches nothing otherwise.
need_packages() {
    local package missing=()
    for package; do installed "$package" || missing+=("$package"); done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null || die "please install: ${missing[*]}"
    say "installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        "${missing[@]}" </dev/null >&2
}

# build PRESET [TARGET...]
build() {
    local preset=$1
    shift
    cmake -S "$root" --preset "$preset" >/dev/null
    cmake --build "$root/build/$preset" --parallel "$(nproc)" ${1:+--target "$@"} >&2
}
