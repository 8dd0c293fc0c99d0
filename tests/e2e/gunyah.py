# SPDX-License-Identifier: BSD-3-Clause
"""A VMM of a few lines, written from the documented ABI of /dev/gunyah: what tests run under gh-vmm
emulate. Requests and layouts: Linux, include/uapi/linux/gunyah.h of the android15-6.6 kernels."""
import ctypes
import mmap
import os
import struct

CREATE_VM, SET_USER_MEM_REGION, SET_DTB_CONFIG, START = 0x4700, 0x40204701, 0x40104702, 0x4703
ADD_FUNCTION, VCPU_RUN, VCPU_MMAP_SIZE, LEND_USER_MEM = 0x40104704, 0x4705, 0x4706, 0x40204111
VCPU = 1
REMOVE_FUNCTION, RECLAIM_REGION = 0x40104707, 0x40104113
EXIT_MMIO, EXIT_STATUS, EXIT_PAGE_FAULT = 1, 2, 3
OFF = ("status", 2, 1)  # exited; PSCI SYSTEM_OFF
CREATE_GUEST_MEM, MAP_MEM = 0x40404708, 0x40204709  # of the v17 series
MAP_LEND_RWX = 0x71

BASE, SIZE, DTB = 0x80000000, 4 << 20, 2 << 20

SYSTEM_OFF = [0xd2800100, 0xf2b08000, 0xd4000002]  # mov x0, #8; movk x0, #0x8400, lsl 16; hvc #0
STORE_AND_OFF = [0xd2820001, 0x52800542, 0xb9000022] + SYSTEM_OFF  # *(int*)0x1000 = 42
SPIN = [0x14000000]
WAIT = [0xd503207f, 0x17ffffff]  # wfi, over and over
# Sends the 8 bytes at BASE + 0x1000 by capability 0, receives at +0x1100 by capability 1, stores what
# that answered at +0x1200, sends the 12 bytes at +0x1010, and waits for what comes.
ASK_AND_TELL = [
    0xd2b00014, 0xf2820014,                                                  # mov x20, #BASE + 0x1000
    0xd2800000, 0xd2800101, 0xaa1403e2, 0xd2800003, 0xd2800004, 0xd40c0362,  # x0 to x4; hvc #0x601b
    0xd2800020, 0x91040281, 0xd2801e02, 0xd2800003, 0xd40c0382,              # x0 to x3; hvc #0x601c
    0xf9010280, 0xf9010681,                                                  # str x0, [x20, #0x200]; str x1, [x20, #0x208]
    0xd2800000, 0xd2800181, 0x91004282, 0xd2800003, 0xd2800004, 0xd40c0362] + SPIN
REPORT = [0xd2820003, 0xb9000063, 0x17ffffff]  # *(int*)0x1000 = 0x1000, for ever
THERE = 0xa0000000
STORE_THERE = [0xd2b40001, 0xb9000022, 0x17ffffff]  # *(int*)THERE = w2, for ever
REPORT_THERE = [0xd2b40001, 0xd2820003, 0xb9400022, 0xb9000062, 0x17fffffe]  # *(int*)0x1000 = *(int*)THERE, for ever
# w2 = *(int*)THERE until it is 0x77; *(int*)0x1000 = w2
LOAD_THERE = [0xd2b40001, 0xb9400022, 0x7101dc5f, 0x54ffffc1, 0xd2820001, 0xb9000022] + SYSTEM_OFF
# *(int*)THERE = 0x99; *(int*)0x1000 = addrspace_modify_pages(0, THERE, 4096, unlock); *(int*)0x1000 = *(int*)THERE
RELEASE_THERE = [
    0xd2b40001, 0x52801322, 0xb9000022, 0xd2800000, 0xd2820002, 0xd2800023, 0xd40c0d22,
    0xd2820004, 0xb9000080, 0xd2b40001, 0xb9400022, 0xb9000082] + SYSTEM_OFF
# Stores a pair, which no device's access can be, at BASE + 4096, BASE + 8192 and so on
STORE_ALONG = [0xd2b00001, 0x91400421, 0x29000822, 0x17fffffe]
# *(int*)p = w2 for 64 places p 2 MiB apart from THERE on, then spins
STORE_WIDELY = [0xd2b40001, 0x52800803, 0xb9000022, 0x91480021, 0x71000463, 0x54ffffa1] + SPIN

# Of a devicetree's vcpus node: who runs the vCPUs. The kernel's first sample says no affinity.
PROXY = {"affinity": "proxy"}
FIRST_SAMPLE = {"affinity_map": [0], "sched_priority": [0xffffffff], "sched_timeslice": [2000]}
STATIC = {"affinity": "static", **FIRST_SAMPLE}


libc = ctypes.CDLL(None, use_errno=True)
libc.ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p]
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]


def ioctl(fd, request, argument=0):
    """ioctl(2), once: its result, or OSError. Bytes are passed by address."""
    if isinstance(argument, bytes):
        argument = ctypes.cast(ctypes.create_string_buffer(argument, len(argument)), ctypes.c_void_p)
    result = libc.ioctl(fd, request, argument)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def fallocate(fd, mode, offset, size):
    if libc.fallocate(fd, mode, offset, size) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")


def errno_of(function, *arguments):
    """That the call fails with; 0: it does not."""
    try:
        function(*arguments)
    except OSError as error:
        return error.errno
    return 0


class Tree:
    """Writes a devicetree blob (Devicetree Specification 0.4, chapter 5)."""

    def __init__(self):
        self.structure, self.strings = b"", b""

    def node(self, name, properties, *children):
        self.structure += struct.pack(">I", 1) + self.padded(name.encode() + b"\0")
        for key, value in properties.items():
            if isinstance(value, str):
                value = value.encode() + b"\0"
            elif not isinstance(value, bytes):
                value = struct.pack(f">{len(value)}I", *value)
            self.structure += struct.pack(">III", 3, len(value), len(self.strings)) + self.padded(value)
            self.strings += key.encode() + b"\0"
        for child in children:
            child()
        self.structure += struct.pack(">I", 2)

    @staticmethod
    def padded(data):
        return data + bytes(-len(data) % 4)

    def blob(self):
        structure = self.structure + struct.pack(">I", 9)
        strings_at = 56 + len(structure)
        total = strings_at + len(self.strings)
        header = struct.pack(">10I", 0xd00dfeed, total, 56, strings_at, 40, 17, 16, 0, len(self.strings),
                             len(structure))
        return header + bytes(16) + structure + self.strings


def devicetree(vcpus=PROXY, vdevices={}):
    """`vdevices`: properties of each, by the name that its node is to have."""
    tree = Tree()
    cells = {"#address-cells": [2], "#size-cells": [2]}

    def leaf(name, **properties):
        return lambda: tree.node(name, {key.replace("_", "-"): value for key, value in properties.items()})

    def config():
        tree.node("gunyah-vm-config", {"image-name": "test", "os-type": "linux", **cells},
                  lambda: tree.node("memory", {**cells, "base-address": [0, BASE]}),
                  leaf("interrupts", config=[1]), leaf("vcpus", **vcpus),
                  lambda: tree.node("vdevices", {}, *(
                      leaf(name, generate=f"/hypervisor/{name}", **properties)
                      for name, properties in vdevices.items())))

    def cpus():
        tree.node("cpus", {"#address-cells": [1], "#size-cells": [0]},
                  leaf("cpu@0", device_type="cpu", compatible="arm,arm-v8", enable_method="psci", reg=[0],
                       cpu_idle_states=b""))

    def intc():
        tree.node("intc", {"compatible": "arm,gic-v3", "#interrupt-cells": [3], "interrupt-controller": b"",
                           "reg": [0, 0x3fff0000, 0, 0x10000, 0, 0x3ffd0000, 0, 0x20000], "phandle": [1]})

    tree.node("", {**cells, "interrupt-parent": [1]}, leaf("chosen", bootargs=""), cpus,
              leaf("psci", compatible="arm,psci-1.0", method="hvc"), intc, config)
    # device_type is the only name with an underscore; vdevice-type has none.
    return tree.blob().replace(b"\0device-type\0", b"\0device_type\0")


class Vm:
    """Memory is a memfd, shared with the guest or lent to it; `code` stands at its start."""

    def __init__(self, code, lend=False, private=False, path="/dev/gunyah", vcpus=PROXY, vdevices={},
                 memory=None):
        device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.fd = ioctl(device, CREATE_VM, 0)
        os.close(device)
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS if private else mmap.MAP_SHARED
        ours = None if private or memory is not None else os.memfd_create("guest")
        memory = -1 if private else memory if ours is None else ours
        if not private:
            os.ftruncate(memory, SIZE)
        self.ram = mmap.mmap(memory, SIZE, flags)
        if ours is not None:
            os.close(ours)
        self.ram[0:4 * len(code)] = struct.pack(f"<{len(code)}I", *code)
        tree = devicetree(vcpus, vdevices)
        self.ram[DTB:DTB + len(tree)] = tree
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.ram))
        self.control(LEND_USER_MEM if lend else SET_USER_MEM_REGION,
                     struct.pack("<IIQQQ", 0, 7, BASE, SIZE, address))
        self.control(SET_DTB_CONFIG, struct.pack("<QQ", BASE + DTB, SIZE - DTB))
        self.vcpu = self.page = None
        self.more = []

    @classmethod
    def with_guest_memory(cls, code, mapped=False):
        """Of the v15 to v17 series: the driver makes the memory, which is lent, and (if `mapped`)
        still mapped here."""
        vm = cls.__new__(cls)
        device = os.open("/dev/gunyah", os.O_RDWR | os.O_CLOEXEC)
        vm.fd = ioctl(device, CREATE_VM, 0)
        vm.memory = ioctl(device, CREATE_GUEST_MEM, struct.pack("<QQ48x", 1, SIZE))
        os.close(device)
        vm.ram = mmap.mmap(vm.memory, SIZE, mmap.MAP_SHARED)
        vm.ram[0:4 * len(code)] = struct.pack(f"<{len(code)}I", *code)
        tree = devicetree()
        vm.ram[DTB:DTB + len(tree)] = tree
        if not mapped:
            vm.ram.close()
        vm.control(MAP_MEM, struct.pack("<QIIQQ", BASE, MAP_LEND_RWX, vm.memory, 0, SIZE))
        vm.control(SET_DTB_CONFIG, struct.pack("<QQ", BASE + DTB, SIZE - DTB))
        vm.vcpu = vm.page = None
        return vm

    def more_memory(self, at, lend=False, private=False, size=4096, file=-1):
        """Binds memory at `at` that begins with 0x77, of a file if there is one."""
        flags = (mmap.MAP_PRIVATE if private else mmap.MAP_SHARED) | (mmap.MAP_ANONYMOUS if file < 0 else 0)
        memory = mmap.mmap(file, size, flags)
        memory[0] = 0x77
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        self.control(LEND_USER_MEM if lend else SET_USER_MEM_REGION, struct.pack("<IIQQQ", 1, 7, at, size, address))
        self.more.append(memory)
        return memory

    def control(self, request, argument=0):
        return ioctl(self.fd, request, argument)

    def add_vcpu(self):
        identity = ctypes.create_string_buffer(struct.pack("<I", 0), 4)
        self.vcpu = self.control(ADD_FUNCTION, struct.pack("<IIQ", VCPU, 4, ctypes.addressof(identity)))
        self.page = mmap.mmap(self.vcpu, ioctl(self.vcpu, VCPU_MMAP_SIZE, 0), mmap.MAP_SHARED)
        return self

    def remove_vcpu(self):
        identity = ctypes.create_string_buffer(struct.pack("<I", 0), 4)
        self.control(REMOVE_FUNCTION, struct.pack("<IIQ", VCPU, 4, ctypes.addressof(identity)))

    def start(self):
        self.control(START)
        return self

    def run(self):
        """One VCPU_RUN: what it ended with."""
        ioctl(self.vcpu, VCPU_RUN, 0)
        reason, = struct.unpack_from("<I", self.page, 8)
        if reason == EXIT_MMIO:
            address, data, length, write = struct.unpack_from("<QQIB", self.page, 16)
            return "mmio", address, data & ((1 << 8 * length) - 1), bool(write)
        if reason == EXIT_STATUS:
            return ("status", *struct.unpack_from("<IH", self.page, 16))
        if reason == EXIT_PAGE_FAULT:
            return ("page fault", *struct.unpack_from("<Q", self.page, 16),
                    -struct.unpack_from("<i", self.page, 24)[0])
        return ("exit", reason)

    def exit_reason(self):
        """Of a status exit."""
        size, = struct.unpack_from("<I", self.page, 24)
        return bytes(self.page[28:28 + size])

    def close(self):
        if self.page is not None:
            self.page.close()
            os.close(self.vcpu)
        os.close(self.fd)
