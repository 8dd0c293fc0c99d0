#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What `gh-vmm schema` forbids, `gh-vmm check` refuses; what check accepts, the schema allows.

    schema_test.py GH_VMM [--all]     asks Debian's python3-jsonschema; 77 (skip) where that is missing
"""
import json, pathlib, struct, subprocess, sys, tempfile

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("skipped: there is no python3-jsonschema with draft 2020-12")
    sys.exit(77)

VALUES = [None, True, False, 0, 1, 2, 8, 9, 17, 4096, 4097, 2 << 20, 1 << 30, 1 << 31, 0x40200000, 1 << 36,
          1 << 64, -1, 1.5, 2.0, "", "x", "yes", "rwx", "wr", "lend", "share", "stdio", "pty", "kernel", "open",
          "4KiB", "2MiB", "64MiB", "1GiB", "1GB", "0x80000000", "0x8000_0000", "80000000", "a\nb", "k", "android15",
          "jit", "strict",
          [], ["x"], ["pty", "null"], ["k", 1], [[]], {}, {"size": "64MiB"}, {"count": 2}, {"type": "pty"}, {"path": "k"}]
PATHS = """name kernel kernel.path kernel.address initrd params params.0 cpus cpus.count memory memory.size memory.base
    memory.sharing memory.swiotlb memory.hugepages memory.prefault memory.file memory.regions memory.regions.0 memory.regions.0.label
    memory.regions.0.address memory.regions.0.size memory.regions.0.file memory.regions.0.offset
    memory.regions.0.copy_on_write memory.regions.0.access memory.regions.0.sharing serial serial.0 serial.0.type
    serial.0.path dtb.overlays hypervisor hypervisor.device hypervisor.path hypervisor.personality
    hypervisor.resource_manager hypervisor.engine hypervisor.code $schema nonsense memory.nonsense""".split()
BASE = {"kernel": {"path": "k"}, "params": ["quiet"], "cpus": {"count": 1}, "memory": {"size": "64MiB",
        "regions": [{"address": "0x50000000", "size": "4KiB"}]}, "serial": [{"type": "pty"}], "dtb": {},
        "hypervisor": {"device": "auto"}}


def changed(path, value):
    config = json.loads(json.dumps(BASE))
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    node = config
    for step in way:
        node = node[step]
    node[last] = value
    return config


def main(vmm):
    schema = json.loads(subprocess.run([vmm, "schema"], check=True, capture_output=True).stdout)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    counts, bad = {(s, c): 0 for s in (True, False) for c in (True, False)}, 0
    with tempfile.TemporaryDirectory() as folder:
        header = struct.pack("<QQQQQQQ4sI", 0, 0, 1 << 20, 0x0A, 0, 0, 0, b"ARM\x64", 0)  # booting.rst
        (pathlib.Path(folder) / "k").write_bytes(header.ljust(4096, b"\0"))
        file = pathlib.Path(folder) / "vm.json"
        cases = [changed(path, value) for path in PATHS for value in VALUES]
        for config in [BASE] + cases[::1 if "--all" in sys.argv else 5]:
            file.write_text(json.dumps(config))
            result = subprocess.run([vmm, "check", str(file)], capture_output=True, text=True)
            allowed, accepted = validator.is_valid(config), result.returncode == 0
            counts[allowed, accepted] += 1
            if result.returncode not in (0, 35) or (accepted and not allowed):
                bad += 1
                print(f"exit {result.returncode}, schema {'allows' if allowed else 'forbids'}: {json.dumps(config)}")
    print(f"both accept {counts[True, True]}, both refuse {counts[False, False]}, "
          f"only check refuses {counts[True, False]}, wrong {bad}")
    return 1 if bad or not counts[True, True] or not counts[False, False] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
