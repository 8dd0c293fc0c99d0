# SPDX-License-Identifier: BSD-3-Clause
"""The rows of the table: what is measured, how, and how good it must be."""
from typing import Callable, NamedTuple

from . import measures
from .guest import Side

A57 = "cortex-a57"                # the cheapest to boot and to compute on
MAX = "max,pauth-impdef=on"       # needs no page table isolation: the cheapest to enter its kernel


class Row(NamedTuple):
    what: str
    measure: Callable
    must: float | None = None
    aim: float | None = None
    model: str = A57       # of QEMU: its best for this work
    engine: str = "jit"    # of gh-vmm
    unit: str = "s"        # s: host CPU seconds
    judged: str = "ratio"  # ratio: ours / QEMU's of the figure; ours: the figure itself
    more: bool = False     # is better


TRAPS = {"must": 0.5, "aim": 0.15, "model": MAX}
VECTOR = {"must": 0.5, "aim": 0.2}
CRYPTO = {"must": 0.3, "aim": 0.05, "unit": "s/GiB"}
SMP = {"must": 0.8, "aim": 0.5}
RATE = {"must": 1.0, "aim": 2.0, "unit": "/s", "more": True}
STREAM = {**RATE, "unit": "MiB/s"}

ROWS = {
    "boot": Row("Debian 6.1 to PID 1", measures.boot(1), 0.8, 0.4),
    "boot2": Row("Debian 6.1 to PID 1, 2 vCPUs", measures.boot(2), **SMP),
    "installer": Row("Debian's installer to its first screen", measures.installer(), 0.8, 0.5),
    "integer": Row("CoreMark-like integer code", measures.work("integer", 12000), 0.7, 0.4),
    "gzip": Row("gzip -9 of 4 MiB", measures.program("/bin/gzip -9 -n -c /corpus"), 0.7, 0.5),
    "xz": Row("xz -5 of 4 MiB", measures.program("/bin/xz -5 -T1 -c /corpus"), 0.7, 0.5),
    "syscall": Row("300 000 system calls", measures.work("syscall", 30), **TRAPS),
    "pipe": Row("5 000 round trips by pipe", measures.work("pipe", 10), **TRAPS),
    "fork": Row("500 forks", measures.work("fork", 25), **TRAPS),
    "exec": Row("200 programs executed", measures.work("exec", 20), **TRAPS),
    "fault": Row("40 000 page faults", measures.work("fault", 10), **TRAPS),
    "mprotect": Row("20 000 mprotect", measures.work("mprotect", 10), **TRAPS),
    "float": Row("double arithmetic", measures.work("float", 200), **VECTOR),
    "matmul": Row("f32 matrices, SIMD", measures.work("matmul", 40), **VECTOR),
    "simd": Row("integer SIMD", measures.work("simd", 600), **VECTOR),
    "sha256": Row("sha256 (OpenSSL)", measures.openssl("sha256"), **CRYPTO),
    "aes": Row("aes-128-gcm (OpenSSL)", measures.openssl("aes-128-gcm"), **CRYPTO),
    "mutex": Row("2 threads, one mutex, 2 vCPUs", measures.work("mutex", 200, 2), **SMP),
    "disk-read": Row("disk: 256 KiB sequential reads, 4 at a time",
                     measures.disk("read", "sequential", 262144, 4, 4000, False), **RATE),
    "disk-write": Row("disk: 256 KiB sequential writes, 4 at a time",
                      measures.disk("write", "sequential", 262144, 4, 1000, False), **RATE),
    "disk-one": Row("disk: 4 KiB random reads, one at a time",
                    measures.disk("read", "random", 4096, 1, 10000, False), **RATE),
    "disk-random": Row("disk: 4 KiB random reads, 32 at a time",
                       measures.disk("read", "random", 4096, 32, 20000, False), **RATE),
    "disk-random-write": Row("disk: 4 KiB random writes, 32 at a time",
                             measures.disk("write", "random", 4096, 32, 20000, False), **RATE),
    "direct-read": Row("O_DIRECT: 256 KiB sequential reads, 4 at a time",
                       measures.disk("read", "sequential", 262144, 4, 1000, True), **RATE),
    "direct-random": Row("O_DIRECT: 4 KiB random reads, 32 at a time",
                         measures.disk("read", "random", 4096, 32, 10000, True), **RATE),
    "direct-random-write": Row("O_DIRECT: 4 KiB random writes, 32 at a time",
                               measures.disk("write", "random", 4096, 32, 10000, True), **RATE),
    "net-up": Row("network: guest to host, one TCP stream", measures.network("up", 1000), **STREAM),
    "net-down": Row("network: host to guest, one TCP stream", measures.network("down", 1000), **STREAM),
    "net-ping": Row("network: round trips of a byte, TCP", measures.network("ping", 10000), **RATE),
    "console": Row("1 MiB to the serial console", measures.work("console", 16), 1.0, 0.5),
    "port": Row("1 MiB to a virtio console", measures.port(16), 1.0, 0.5),
    "login": Row("a whole Debian 12 to its login, 2 vCPUs, wall", measures.login(), 0.8, 0.5),
    "tiny": Row("first byte of a tiny guest, wall", measures.first_byte(), 0.5, 0.2, unit="ms"),
    "memcpy": Row("2 GiB of memcpy", measures.work("memcpy", 128)),
    "start": Row("exec to START, 1 GiB, Debian kernel", measures.start(), 30, 15, unit="ms", judged="ours"),
    "ioctl": Row("ioctl of a program under gh-vmm emulate", measures.ioctl(), 15, 10, unit="us", judged="ours"),
    "memory": Row("own resident memory, shell", measures.memory(), 12, 8, unit="MiB", judged="ours"),
    "idle": Row("idle shell, of one host core", measures.idle(), 1, 0.3, unit="%", judged="ours"),
    "idle-debian": Row("idle Debian 12, of one host core", measures.idle_debian(), 2, 1, unit="%", judged="ours"),
    "t0-integer": Row("interpreter: integer code", measures.speed("integer", 4000), 150, 300,
                      engine="interpreter", unit="MIPS", judged="ours", more=True),
    "t0-boot": Row("interpreter: Debian 6.1 to PID 1", measures.boot(1), 5, 3, engine="interpreter"),
}


def best(values, row):
    values = [value for value in values if value is not None]
    return (max if row.more else min)(values) if values else None


def good(value, limit, row):
    if limit is None or value is None:
        return None
    return value >= limit if row.more else value <= limit


def take(name, rounds):
    """Measures a row, both sides in turn so that they see the same machine; its figures by name."""
    row = ROWS[name]
    sides = {"ours": Side("gh-vmm", row.engine), "qemu": Side("qemu", row.model)}
    samples = {"ours": [], "qemu": []}
    for _ in range(rounds):
        for who, side in sides.items():
            if (sample := row.measure(side)) is not None:
                samples[who].append(sample)
    ours, qemu = (best([sample.figure for sample in samples[who]], row) for who in sides)
    walls = [min((sample.wall for sample in samples[who] if sample.wall), default=None) for who in sides]
    ratio = ours / qemu if qemu else None
    judged = ratio if row.judged == "ratio" else ours
    return {"name": name, "what": row.what, "unit": row.unit, "ours": ours, "qemu": qemu, "ratio": ratio,
            "wall_ours": walls[0], "wall_qemu": walls[1],
            "wall_ratio": walls[0] / walls[1] if None not in walls else None,
            "must": row.must, "aim": row.aim, "judged": row.judged, "better": "more" if row.more else "less",
            "engine": row.engine, "model": row.model if qemu else None,
            "met": good(judged, row.must, row), "aim_met": good(judged, row.aim, row)}
