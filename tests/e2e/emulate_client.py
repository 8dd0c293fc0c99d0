# SPDX-License-Identifier: BSD-3-Clause
"""Runs a program of emulate_test.py's, under gh-vmm emulate: emulate_client.py NAME [ARGUMENT...]. A
program is a function of one of these modules."""
import sys

import client_lifetime
import client_madness
import client_memory

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    for module in (client_lifetime, client_memory, client_madness):
        if hasattr(module, name):
            sys.exit(getattr(module, name)(*arguments))
    sys.exit(f"there is no program {name}")
