#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check_trees.py DTS...: what dtc and dt-validate say of the trees in dts/.

The Resource Manager forces one warning on us: /memory without unit address. dt-validate knows no
/gunyah-vm-config. Anything else they say is a failure. Exit status 77: nothing could be checked.
"""
import pathlib, re, shutil, subprocess, sys, tempfile

FORCED_BY_DTC = re.compile(r"Warning \(unit_address_vs_reg\): /memory: ")
FORCED_BY_SCHEMA = re.compile(r"/: memory: False schema does not allow|: gunyah-vm-config: ")


def complaints(command, forced, also_stdout=False):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    text = result.stderr + (result.stdout if also_stdout else "")
    lines = [line for line in text.splitlines() if line.strip() and "From schema:" not in line]
    return [line for line in lines if not forced.search(line)]


def main(sources):
    if not shutil.which("dtc"):
        print("skipped: dtc (package device-tree-compiler) is not installed")
        return 77
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        blobs = []
        for source in sources:
            blobs.append(str(pathlib.Path(folder, pathlib.Path(source).stem + ".dtb")))
            subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", blobs[-1], source], check=True)
            # Read back, since phandles that are numbers in the text are no references to dtc.
            bad += complaints(["dtc", "-I", "dtb", "-O", "dtb", "-o", "/dev/null", blobs[-1]], FORCED_BY_DTC)
        if shutil.which("dt-validate"):
            bad += complaints(["dt-validate", *blobs], FORCED_BY_SCHEMA, also_stdout=True)
        else:
            print("dt-validate (package dt-schema) is not installed: only dtc was asked")
    print("\n".join(bad) or f"{len(sources)} trees are fine")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
