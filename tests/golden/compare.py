#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares what the emulated device answers with the golden files, row by row.

    compare.py guest|devicetree|patched|device BUILD-FOLDER

"device" runs the probe as it is, as a program of its own under `gh-vmm emulate` (GH_VMM). BUILD-FOLDER holds the probes and their guests. Rows that may differ stand in differences.tsv with the
reason; one of them that agrees is an error too, unless it is down to chance ("random:").
"""
import difflib, fnmatch, os, pathlib, re, subprocess, sys, tempfile

here = pathlib.Path(__file__).resolve().parent
# In these rows addresses within the guest's program, which the compiler chooses, are blotted out.
OF_PROGRAM = re.compile(r"^(second\.(x\d+|sp)|boot\.pc-of-start)\b")
PROGRAM_ADDRESS = re.compile(r"0x800[0-3][0-9a-f]{4}\b")
# Not run unless named: on the real thing nothing can be started after them.
BY_NAME = ["aff-static-ok", "aff-static-len", "aff-static-prio", "aff-static-slice", "attr-noshutdown", "deep-17"]


def skip(why):
    if os.environ.get("GH_TEST_NO_SKIP"):
        sys.exit(f"missing: {why}")
    print(f"skipped: {why}")
    sys.exit(77)


def run(*command, personality=None):
    environment = os.environ | ({"GH_PERSONALITY": personality} if personality else {})
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=280, check=True,
                            env=environment)
    return result.stdout.decode("ascii", "backslashreplace")


def exits_last(text):
    """How a vCPU ended, which its thread says in the middle of what the guest prints, behind all of that."""
    parts = re.split(r"^(?=## command)", text, flags=re.M)
    said = re.compile(r"exit\.cpu\d [^\n]*\n?")
    return "".join(f"{said.sub('', part)}\n{''.join(said.findall(part))}" for part in parts)


def guest_rows(text):
    """Row by name; a name that comes again is counted, one of a later command has its number ahead."""
    rows, command = {}, ""
    for line in exits_last(text).splitlines():
        if heading := re.match(r"## command (\d+)", line):
            command = f"{heading[1]}:" if heading[1] != "0" else ""
            continue
        if not line.strip() or line.startswith("# "):
            continue
        first, _, rest = line.strip().partition(" ")
        if OF_PROGRAM.match(first):
            rest = PROGRAM_ADDRESS.sub("(program)", rest)
        rest = re.sub(r"\bx9=0x800[0-3][0-9a-f]{4}", "x9=(program)", rest)
        name, n = command + first, 2
        while name in rows:
            name, n = f"{command}{first}#{n}", n + 1
        rows[name] = rest
    return rows


def guest(build):
    blob = build / "guest-probe.bin"
    if not blob.exists():
        skip("the guest is not built (aarch64-linux-gnu-gcc)")
    # Of android15 on, an access to nowhere is a page fault of its owner's: golden is of a hypervisor before.
    ours = run(build / "guest-probe-vmm", blob, build / "dtb/guest-probe.dtb", personality="android14")
    return guest_rows((here / "guest-probe.golden.txt").read_text()), guest_rows(ours)


def tree_rows(text, *columns):
    lines = (line.split("\t") for line in text.splitlines() if line and line[0] != "#")
    return {line[0]: " | ".join(line[column].strip() for column in columns) for line in lines}


def devicetree(build):
    if not (build / "dtb/base.dtb").exists():
        skip("the devicetrees are not built (dtc)")
    golden = tree_rows((here / "dtb-probe.golden.tsv").read_text(), 2, 3, 4)
    ours = run(build / "dtb-probe", build / "dtb")
    ours += "".join(run(build / "dtb-probe", "-o", name, build / "dtb") for name in BY_NAME)
    return golden, tree_rows(ours, 2, 3, 4)


def device(build):
    """Rows that the v17 series' driver answered are compared with our v17, those of the Resource Manager
    and the hypervisor, who were given memory by lending, with our android14."""
    def answers(personality, *options):
        text = run(os.environ["GH_VMM"], "emulate", "--personality", personality, "--", build / "device-probe", *options)
        return [line.split("\t") for line in text.splitlines() if line[0] != "#"]

    lines = [line.split("\t") for line in (here / "device-probe.golden.tsv").read_text().splitlines()[1:]]
    layer = {line[0]: line[1] for line in lines}
    golden = {line[0]: line[3] for line in lines if line[1] != "legacy-mem" and not line[0].startswith("hazard.")}
    ours = {line[0]: line[3] for line in answers("v17") if layer.get(line[0]) == "kernel-v17"}
    ours.update({line[0]: line[3] for line in answers("android14", "-m", "lend") if layer.get(line[0]) in ("RM", "HYP")})
    return golden, ours


# Numbers that count what the real Resource Manager had been asked before.
COUNTED = re.compile(r"(qcom,vmid|qcom,rm-mem-handle) = <.*>")


def without_seed(lines):
    return [line for line in lines if "kaslr-seed" not in line]


def comparable(lines):
    return [COUNTED.sub(r"\1 = <...>", line) for line in without_seed(lines)]


def decompile(blob):
    text = run("dtc", "-q", "-I", "dtb", "-O", "dts", blob).replace('", "', r"\0")
    return without_seed(text.splitlines())


def applied(diff, lines):
    """`lines` after the unified diff: what the real Resource Manager made of them."""
    out, at = [], 0
    for line in diff.splitlines():
        if hunk := re.match(r"@@ -(\d+)", line):
            out += lines[at:int(hunk[1]) - 1]
            at = int(hunk[1]) - 1
        elif line[:1] == "+":
            out.append(line[1:])
        else:
            assert lines[at] == line[1:], f"not the tree the diff was made of: {line}"
            out += [lines[at]] if line[:1] != "-" else []
            at += 1
    return out + lines[at:]


def patched(build):
    """What the Resource Manager makes of a devicetree."""
    golden, ours = {}, {}
    if not (build / "dtb/base.dtb").exists() or not (build / "guest-probe.bin").exists():
        skip("the devicetrees or the guest are not built (dtc, aarch64-linux-gnu-gcc)")
    source = dict(line.split("\t")[:2] for line in (here / "dtb/cases.tsv").read_text().splitlines())
    with tempfile.TemporaryDirectory() as folder:
        blob = pathlib.Path(folder) / "guest-probe.dtb"
        run(build / "guest-probe-vmm", "-c", "0", "-p", blob, build / "guest-probe.bin", build / "dtb/guest-probe.dtb")
        golden["guest-probe"] = (here / "patched.dts").read_text().splitlines()
        ours["guest-probe"] = decompile(blob)
        for diff in sorted((here / "dtb/patched").glob("*.diff")):
            name = diff.stem
            run(build / "dtb-probe", "-p", folder, "-o", name, build / "dtb")
            golden[name] = applied(diff.read_text(), decompile(build / f"dtb/{source[name]}.dtb"))
            ours[name] = decompile(pathlib.Path(folder) / f"{name}.dtb")
    by_name = lambda rows: {name: "\n".join(comparable(lines)) for name, lines in rows.items()}
    return by_name(golden), by_name(ours)


def differences(part):
    """Pattern and reason of every row of this part that may differ."""
    for line in (here / "differences.tsv").read_text().splitlines():
        if line and line[0] != "#":
            its_part, pattern, reason = line.split("\t")
            if its_part == part:
                yield pattern, reason


def main():
    part, build = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    golden, ours = {"guest": guest, "devicetree": devicetree, "patched": patched, "device": device}[part](build)
    differ = {row for row in golden.keys() | ours.keys() if golden.get(row) != ours.get(row)}
    allowed, bad = set(), 0
    for pattern, reason in differences(part):
        found = {row for row in differ if fnmatch.fnmatchcase(row, pattern)}
        allowed |= found
        if not found and not reason.startswith("random:"):
            print(f"{pattern}: agrees with the golden file; take it off differences.tsv")
            bad += 1
    for row in sorted(differ - allowed):
        print(f"{row}:")
        rows = (rows.get(row, "(no such row)").splitlines() for rows in (golden, ours))
        print("\n".join(difflib.unified_diff(*rows, "real", "ours", n=0, lineterm="")))
        bad += 1
    print(f"{len(golden) - len(differ)} of {len(golden)} rows agree, {len(allowed)} differ for known reasons, {bad} wrong")
    sys.exit(bad != 0)


main()
