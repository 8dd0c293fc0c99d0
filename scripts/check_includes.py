#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails if a file includes a room that CMakeLists.txt does not let its own room use."""
import pathlib, re, sys

root = pathlib.Path(__file__).resolve().parent.parent
uses = {}
for room, body in re.findall(r"^\s*gh_room\((\S+)(.*?)\)", (root / "CMakeLists.txt").read_text(), re.M | re.S):
    found = re.search(r"\bUSES\s+((?:[a-z/]+\s*)+)", body)
    uses[room] = set(found.group(1).split()) if found else set()

def allowed(room):
    return {room}.union(*(allowed(lower) for lower in uses[room]))

def room_of(path):
    return max((r for r in uses if path.startswith(r + "/")), key=len, default=None)

bad = 0
for file in sorted((root / "src").rglob("*.[ch]*")):
    here = room_of(str(file.relative_to(root / "src")))
    for number, line in enumerate(file.read_text().splitlines(), 1):
        target = re.match(r'#include "(.+)"', line)
        if here and target and room_of(target[1]) not in allowed(here):
            print(f"{file}:{number}: {here} may not include {target[1]}")
            bad += 1
sys.exit(bad != 0)
