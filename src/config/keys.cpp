// SPDX-License-Identifier: BSD-3-Clause
#include "config/keys.h"

#include "config/quantity.h"
#include "config/vm.h"

#include <algorithm>
#include <array>
#include <type_traits>

namespace gh::config {
namespace {

// --- values into structs and back, by the type of the member

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

std::string access_text(const Access& access)
{
    return std::string(access.read ? "r" : "") + (access.write ? "w" : "") +
           (access.execute ? "x" : "");
}

template <class T>
void assign(T& to, const Value& value)
{
    if constexpr (kIsOptional<T>)
        assign(to.emplace(), value);
    else if constexpr (std::is_same_v<T, std::string>)
        to = value.text;
    else if constexpr (std::is_same_v<T, Access>)
        to = {value.text.find('r') != std::string::npos, value.text.find('w') != std::string::npos,
              value.text.find('x') != std::string::npos};
    else
        to = static_cast<T>(value.number);
}

template <class T>
std::optional<Value> fetch(const T& from)
{
    if constexpr (kIsOptional<T>)
        return from ? fetch(*from) : std::nullopt;
    else if constexpr (std::is_same_v<T, std::string>)
        return from.empty() ? std::nullopt : std::optional(Value{0, from});
    else if constexpr (std::is_same_v<T, Access>)
        return Value{0, access_text(from)};
    else
        return Value{static_cast<std::uint64_t>(from), {}};
}

template <auto Member>
struct Field;
template <class Struct, class T, T Struct::*Member>
struct Field<Member> {
    static T& of(void* object) { return static_cast<Struct*>(object)->*Member; }
    static const T& of(const void* object) { return static_cast<const Struct*>(object)->*Member; }
};

/// The slot of a member that holds one value.
template <auto Member>
constexpr Slot kValue{
    .store = [](void* object, const Value& v) { assign(Field<Member>::of(object), v); },
    .load = [](const void* object) { return fetch(Field<Member>::of(object)); },
};

/// The slot of a member that is a struct.
template <auto Member>
constexpr Slot kStruct{
    .open = [](void* object) -> void* { return &Field<Member>::of(object); },
};

/// The slot of a member that is a struct, or nothing.
template <auto Member>
constexpr Slot kOptional{
    .open = [](void* object) -> void* { return &Field<Member>::of(object).emplace(); },
};

/// The slot of a member that is a vector.
template <auto Member>
constexpr Slot kList{
    .open = [](void* object) -> void* { return &Field<Member>::of(object).emplace_back(); },
    .clear = [](void* object) { Field<Member>::of(object).clear(); },
};

/// The slot of a vector's element that is itself a value.
constexpr Slot kTextElement{
    .store = [](void* object, const Value& v) { assign(*static_cast<std::string*>(object), v); },
    .load = [](const void* object) { return fetch(*static_cast<const std::string*>(object)); },
};

// --- words; those of an enumeration in its order

using Words = std::string_view;
constexpr std::array<Words, 2> kSharings{"share", "lend"};
constexpr std::array<Words, 3> kDiskIos{"auto", "uring", "threads"};
constexpr std::array<Words, 3> kDeviceChoices{"auto", "kernel", "emulated"};
constexpr std::array<Words, 2> kResourceManagers{"open", "production"};
constexpr std::array<Words, 4> kEngines{"auto", "jit", "interpreter", "lockstep"};
constexpr std::array<Words, 2> kCodes{"contract", "strict"};
constexpr std::array<Words, 3> kNetTypes{"user", "tap", "fd"};
constexpr std::array<Words, 2> kProtocols{"tcp", "udp"};
constexpr std::array<Words, 5> kSerialTypes{"stdio", "file", "socket", "pty", "null"};
constexpr std::array<Words, 3> kEndActions{"exit", "restart", "pause"};
constexpr std::array<Words, 4> kAccesses{"r", "rw", "rx", "rwx"};
constexpr std::array<Words, 12> kPersonalities{"v10", "v11", "android14-early", "v12",
                                               "v13", "v14", "android14",       "v15",
                                               "v16", "v17", "android15",       "android16"};

constexpr std::array<Words, 5> kAlsoKernel{"image", "kernel_path", "vmlinuz", "payload", "bios"};
constexpr std::array<Words, 4> kAlsoInitrd{"initramfs", "ramdisk", "initrd_path", "rootfs"};
constexpr std::array<Words, 4> kAlsoParams{"cmdline", "bootargs", "append", "boot_args"};
constexpr std::array<Words, 4> kAlsoCpus{"vcpus", "smp", "num_cpus", "cores"};
constexpr std::array<Words, 4> kAlsoMemory{"ram", "mem", "memory_mib", "memory_size"};
constexpr std::array<Words, 2> kAlsoRtc{"clock", "real_time_clock"};
constexpr std::array<Words, 2> kAlsoPowerButton{"powerbtn", "gpio_keys"};
constexpr std::array<Words, 2> kAlsoWatchdog{"wdt", "sp805"};
constexpr std::array<Words, 3> kAlsoSerial{"uart", "tty", "com"};
constexpr std::array<Words, 3> kAlsoConsole{"hvc", "virtio_console", "virtio_serial"};
constexpr std::array<Words, 2> kAlsoPortName{"port", "label"};
constexpr std::array<Words, 3> kAlsoDtb{"fdt", "device_tree", "devicetree"};
constexpr std::array<Words, 6> kAlsoDisks{"disk", "drives", "drive", "block", "storage", "rwdisk"};
constexpr std::array<Words, 3> kAlsoPath{"image", "file", "path_on_host"};
constexpr std::array<Words, 3> kAlsoReadonly{"read_only", "is_read_only", "ro"};
constexpr std::array<Words, 3> kAlsoDirect{"o_direct", "cache", "direct_io"};
constexpr std::array<Words, 2> kAlsoDiskSerial{"id", "drive_id"};
constexpr std::array<Words, 2> kAlsoQueues{"num_queues", "queue_count"};
constexpr std::array<Words, 2> kAlsoAffinity{"cpu_affinity", "pin"};
constexpr std::array<Words, 1> kAlsoBackoff{"delay"};
constexpr std::array<Words, 3> kAlsoOnCrash{"on_panic", "restart_policy", "restart"};
constexpr std::array<Words, 2> kAlsoOnPoweroff{"on_shutdown", "on_halt"};
constexpr std::array<Words, 1> kAlsoOnReboot{"on_reset"};
constexpr std::array<Words, 3> kAlsoControl{"api_socket", "socket", "api"};
constexpr std::array<Words, 5> kAlsoNet{"network", "networks", "nets", "network_interfaces",
                                        "netdev"};
constexpr std::array<Words, 4> kAlsoTap{"tap_name", "host_dev_name", "ifname", "interface"};
constexpr std::array<Words, 3> kAlsoFd{"fds", "tap_fd", "socket"};
constexpr std::array<Words, 2> kAlsoMac{"guest_mac", "mac_address"};
constexpr std::array<Words, 4> kAlsoForward{"hostfwd", "forwards", "port_forward", "ports"};
constexpr std::array<Words, 2> kAlsoCid{"guest_cid", "context_id"};
constexpr std::array<Words, 2> kAlsoUds{"uds_path", "uds"};
constexpr std::array<Words, 2> kAlsoBalloonSize{"amount", "amount_mib"};
constexpr std::array<Words, 3> kAlsoRng{"entropy", "virtio_rng", "random"};
constexpr std::array<Words, 3> kAlsoDiskIo{"aio", "io_engine", "async_executor"};
constexpr std::array<Words, 1> kAlsoHugepages{"huge_pages"};
constexpr std::array<Words, 2> kAlsoPrefault{"populate", "prealloc"};

// --- the table

constexpr std::array kKernelKeys{
    Key{.name = "path",
        .kind = Kind::Path,
        .slot = kValue<&Kernel::path>,
        .help = "The guest's kernel: an arm64 Image (plain or compressed by gzip, lz4 or zstd), an "
                "ELF file, or any file to load flat at `address`.",
        .required = true,
        .file = FileUse::Read},
    Key{.name = "address",
        .kind = Kind::Address,
        .slot = kValue<&Kernel::address>,
        .help = "Where in RAM to load a flat image. Not for kernels that say so themselves.",
        .range = {kLowestRegion, kAddressEnd - kPage, 4}},
};

constexpr Key kProcessors{.kind = Kind::Text, .slot = kTextElement, .range = {1, 255}};
constexpr std::array kCpusKeys{
    Key{.name = "count",
        .kind = Kind::Number,
        .slot = kValue<&Cpus::count>,
        .help = "How many CPUs the guest has.",
        .range = {1, 8}},
    Key{.name = "affinity",
        .kind = Kind::List,
        .slot = kList<&Cpus::affinity>,
        .help = "The host's processors that each of them may run on, such as \"0-3,6\"; one "
                "text alone is of all.",
        .range = {0, 8},
        .also = kAlsoAffinity,
        .element = &kProcessors},
    Key{.name = "nice",
        .kind = Kind::Number,
        .slot = kValue<&Cpus::nice>,
        .help = "How much their threads stand back for others, see nice(2).",
        .range = {0, 19}},
};

constexpr std::array kRegionKeys{
    Key{.name = "label",
        .kind = Kind::Number,
        .slot = kValue<&Region::label>,
        .help = "The number that the hypervisor knows the region by. Without it: a free one.",
        .range = {1, 0xffff'ffff}},
    Key{.name = "address",
        .kind = Kind::Address,
        .slot = kValue<&Region::address>,
        .help = "Where the guest sees the region.",
        .required = true,
        .range = {kLowestRegion, kAddressEnd - kPage, kPage},
        .note = "below lie the devices and Gunyah's info page"},
    Key{.name = "size",
        .kind = Kind::Size,
        .slot = kValue<&Region::size>,
        .help = "Bytes of the region. Without it: what `file` holds from `offset` on.",
        .range = {kPage, kAddressEnd - kLowestRegion, kPage}},
    Key{.name = "file",
        .kind = Kind::Path,
        .slot = kValue<&Region::file>,
        .help = "A file whose contents the guest sees there. Without it: memory full of zeros.",
        .file = FileUse::Read},
    Key{.name = "offset",
        .kind = Kind::Size,
        .slot = kValue<&Region::offset>,
        .help = "Where in `file` the region begins.",
        .range = {0, 1ull << 62, kPage}},
    Key{.name = "copy_on_write",
        .kind = Kind::Flag,
        .slot = kValue<&Region::copy_on_write>,
        .help = "Keep what the guest writes out of `file`."},
    Key{.name = "access",
        .kind = Kind::Choice,
        .slot = kValue<&Region::access>,
        .help = "What the guest may do there: read, write, execute.",
        .choices = kAccesses},
    Key{.name = "sharing",
        .kind = Kind::Choice,
        .slot = kValue<&Region::sharing>,
        .help = "Whether the host keeps access to the region (share) or loses it (lend).",
        .choices = kSharings},
};
constexpr Key kRegion{.kind = Kind::Object, .members = kRegionKeys};

constexpr std::array kMemoryKeys{
    Key{.name = "size",
        .kind = Kind::Size,
        .slot = kValue<&Memory::size>,
        .help = "Bytes of guest RAM.",
        .range = {kBlock, kAddressEnd - kLowestRam, kPage}},
    Key{.name = "base",
        .kind = Kind::Address,
        .slot = kValue<&Memory::base>,
        .help = "Where guest RAM begins.",
        .range = {kLowestRam, kAddressEnd - kBlock, kBlock},
        .note = "below lie the devices and Gunyah's info page"},
    Key{.name = "sharing",
        .kind = Kind::Choice,
        .slot = kValue<&Memory::sharing>,
        .help = "Whether the host keeps access to guest RAM (share) or loses it until the VM ends "
                "(lend, a protected VM).",
        .choices = kSharings},
    Key{.name = "swiotlb",
        .kind = Kind::Size,
        .slot = kValue<&Memory::swiotlb>,
        .help = "Bytes of bounce buffer, shared with the host and placed behind RAM, for a guest "
                "whose RAM is lent.",
        .range = {0, 1ull << 30, kBlock}},
    Key{.name = "hugepages",
        .kind = Kind::Flag,
        .slot = kValue<&Memory::hugepages>,
        .help = "Back RAM by the host's huge pages of 2 MiB.",
        .also = kAlsoHugepages},
    Key{.name = "prefault",
        .kind = Kind::Flag,
        .slot = kValue<&Memory::prefault>,
        .help = "Take all of RAM from the host before the VM starts, so that it cannot run short "
                "while the guest runs.",
        .also = kAlsoPrefault},
    Key{.name = "file",
        .kind = Kind::Path,
        .slot = kValue<&Memory::file>,
        .help = "Back RAM by this file, written as the guest runs, instead of anonymous memory.",
        .file = FileUse::ReadWrite},
    Key{.name = "regions",
        .kind = Kind::List,
        .slot = kList<&Memory::regions>,
        .help = "More regions of guest memory.",
        .range = {0, 32},
        .element = &kRegion},
};

constexpr std::array kSerialKeys{
    Key{.name = "type",
        .kind = Kind::Choice,
        .slot = kValue<&Serial::type>,
        .help = "What the line is connected to: the terminal gh-vmm runs in, a file (output only), "
                "a unix socket that gh-vmm listens on, a new pseudo-terminal, or nothing.",
        .required = true,
        .choices = kSerialTypes},
    Key{.name = "path",
        .kind = Kind::Path,
        .slot = kValue<&Serial::path>,
        .help = "The file or socket to make; of a pty: a symbolic link to make to it."},
};
constexpr Key kSerial{.kind = Kind::Object, .members = kSerialKeys, .short_form = "type"};

constexpr std::array kConsoleKeys{
    kSerialKeys[0],
    kSerialKeys[1],
    Key{.name = "name",
        .kind = Kind::Text,
        .slot = kValue<&Serial::name>,
        .help = "Makes it a port that programs open, /dev/virtio-ports/NAME. Without it: a "
                "console, hvc0 and so on.",
        .range = {1, 63},
        .also = kAlsoPortName},
};
constexpr Key kConsole{.kind = Kind::Object, .members = kConsoleKeys, .short_form = "type"};

constexpr std::array kDiskKeys{
    Key{.name = "path",
        .kind = Kind::Path,
        .slot = kValue<&Disk::path>,
        .help = "The raw image: a file or a block device.",
        .required = true,
        .also = kAlsoPath,
        .file = FileUse::Read},
    Key{.name = "readonly",
        .kind = Kind::Flag,
        .slot = kValue<&Disk::readonly>,
        .help = "Let nothing be written.",
        .also = kAlsoReadonly},
    Key{.name = "direct",
        .kind = Kind::Flag,
        .slot = kValue<&Disk::direct>,
        .help = "Go past the host's page cache (O_DIRECT).",
        .also = kAlsoDirect},
    Key{.name = "lock",
        .kind = Kind::Flag,
        .slot = kValue<&Disk::lock>,
        .help = "Keep other programs that lock from using the image meanwhile; several may read "
                "it where all do no more than that."},
    Key{.name = "serial",
        .kind = Kind::Text,
        .slot = kValue<&Disk::serial>,
        .help = "What the guest finds as the disk's serial number, as in "
                "/dev/disk/by-id/virtio-SERIAL.",
        .range = {1, 20},
        .note = "virtio's limit",
        .also = kAlsoDiskSerial},
    Key{.name = "queues",
        .kind = Kind::Number,
        .slot = kValue<&Disk::queues>,
        .help = "How many queues of requests the disk has, each in a thread of the host's.",
        .range = {1, 8},
        .also = kAlsoQueues},
    Key{.name = "io",
        .kind = Kind::Choice,
        .slot = kValue<&Disk::io>,
        .help =
            "What works on the requests: the host's io_uring on all of a queue side by side, or "
            "the queue's thread on one after the other; `auto` is io_uring where there is one.",
        .choices = kDiskIos,
        .also = kAlsoDiskIo},
};
constexpr Key kDisk{.kind = Kind::Object, .members = kDiskKeys, .short_form = "path"};

constexpr std::array kForwardKeys{
    Key{.name = "host",
        .kind = Kind::Number,
        .slot = kValue<&Forward::host>,
        .help = "The host's port.",
        .required = true,
        .range = {1, 65535}},
    Key{.name = "guest",
        .kind = Kind::Number,
        .slot = kValue<&Forward::guest>,
        .help = "The guest's port. Without it: the same.",
        .range = {1, 65535}},
    Key{.name = "proto",
        .kind = Kind::Choice,
        .slot = kValue<&Forward::proto>,
        .help = "The protocol.",
        .choices = kProtocols},
    Key{.name = "address",
        .kind = Kind::Text,
        .slot = kValue<&Forward::address>,
        .help = "The host's address that the port belongs to; 0.0.0.0 is all of them.",
        .range = {2, 45}},
};
constexpr Key kForward{.kind = Kind::Object, .members = kForwardKeys, .short_form = "host"};

constexpr std::array kNetKeys{
    Key{.name = "type",
        .kind = Kind::Choice,
        .slot = kValue<&Net::type>,
        .help = "What the card leads to: the host's network as this user has it (user, by "
                "passt), an interface of the host's (tap), or an open file (fd).",
        .choices = kNetTypes},
    Key{.name = "tap",
        .kind = Kind::Text,
        .slot = kValue<&Net::tap>,
        .help = "The tap's name. Means type tap.",
        .range = {1, 15},
        .note = "the kernel's limit",
        .also = kAlsoTap},
    Key{.name = "fd",
        .kind = Kind::Number,
        .slot = kValue<&Net::fd>,
        .help = "An inherited descriptor: a tap, or a stream socket whose peer speaks QEMU's "
                "framing. Means type fd.",
        .range = {3, 1 << 20},
        .also = kAlsoFd},
    Key{.name = "mac",
        .kind = Kind::Text,
        .slot = kValue<&Net::mac>,
        .help = "The card's address, such as 02:00:00:00:00:01. Without it: one that follows from "
                "the VM's name.",
        .range = {17, 17},
        .also = kAlsoMac},
    Key{.name = "mtu",
        .kind = Kind::Number,
        .slot = kValue<&Net::mtu>,
        .help = "The largest packet, which the guest is told. Without it: 65520 for type user, "
                "else the guest's choice.",
        .range = {1280, 65520}},
    Key{.name = "forward",
        .kind = Kind::List,
        .slot = kList<&Net::forward>,
        .help = "Ports of the host's that lead to the guest's, for type user; a bare number is "
                "one on both sides.",
        .range = {0, 64},
        .also = kAlsoForward,
        .element = &kForward},
};
constexpr Key kNet{.kind = Kind::Object, .members = kNetKeys, .short_form = "type"};
constexpr std::array kBalloonKeys{
    Key{.name = "enabled",
        .kind = Kind::Flag,
        .slot = kValue<&Balloon::enabled>,
        .help = "Whether there is a balloon."},
    Key{.name = "size",
        .kind = Kind::Size,
        .slot = kValue<&Balloon::size>,
        .help = "Bytes that it is to hold at first; gh-vmm balloon changes it.",
        .range = {0, kAddressEnd - kLowestRam, kPage},
        .also = kAlsoBalloonSize},
};

constexpr std::array kVsockKeys{
    Key{.name = "cid",
        .kind = Kind::Number,
        .slot = kValue<&Vsock::cid>,
        .help = "The guest's number, its address; the host is 2.",
        .range = {3, 0xffff'fffe},
        .note = "below are the host's and loopback's",
        .also = kAlsoCid},
    Key{.name = "path",
        .kind = Kind::Path,
        .slot = kValue<&Vsock::path>,
        .help = "The unix socket to listen at for connections to the guest; those of the guest to "
                "port P of the host go to the unix socket of this path with _P behind.",
        .required = true,
        .also = kAlsoUds},
};

constexpr Key kOverlay{.kind = Kind::Path, .slot = kTextElement, .file = FileUse::Read};
constexpr std::array kDtbKeys{
    Key{.name = "base",
        .kind = Kind::Path,
        .slot = kValue<&Dtb::base>,
        .help = "A devicetree blob to start from instead of the one that gh-vmm writes.",
        .file = FileUse::Read},
    Key{.name = "overlays",
        .kind = Kind::List,
        .slot = kList<&Dtb::overlays>,
        .help = "Devicetree overlays to apply, in this order.",
        .range = {0, 16},
        .element = &kOverlay},
};

constexpr std::array kHypervisorKeys{
    Key{.name = "device",
        .kind = Kind::Choice,
        .slot = kValue<&Hypervisor::device>,
        .help = "The kernel's Gunyah driver, the emulated Gunyah within gh-vmm, or (auto) the "
                "first if it is there, else the second.",
        .choices = kDeviceChoices},
    Key{.name = "path",
        .kind = Kind::Path,
        .slot = kValue<&Hypervisor::path>,
        .help = "The device file of the kernel's driver."},
    Key{.name = "personality",
        .kind = Kind::Choice,
        .slot = kValue<&Hypervisor::personality>,
        .help = "Which kernel's Gunyah driver the emulated device behaves like.",
        .choices = kPersonalities},
    Key{.name = "resource_manager",
        .kind = Kind::Choice,
        .slot = kValue<&Hypervisor::resource_manager>,
        .help = "Whether the emulated Resource Manager accepts shared RAM (open) or demands lent "
                "RAM, as those of phones do (production).",
        .choices = kResourceManagers},
    Key{.name = "engine",
        .kind = Kind::Choice,
        .slot = kValue<&Hypervisor::engine>,
        .help = "What executes the guest on the emulated device: host code made from it (jit), "
                "the interpreter, (auto) the first where the host allows it, or (lockstep, for "
                "developers) both, compared all the time.",
        .choices = kEngines},
    Key{.name = "code",
        .kind = Kind::Choice,
        .slot = kValue<&Hypervisor::code>,
        .help = "Whether the emulated device trusts the guest to say by cache maintenance that its "
                "code changed, as the architecture asks (contract), or watches all stores, which "
                "costs time (strict).",
        .choices = kCodes},
};

constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kDay = kSecond * 3600 * 24;

constexpr std::array kEndKeys{
    Key{.name = "action",
        .kind = Kind::Choice,
        .slot = kValue<&EndPolicy::action>,
        .help = "End gh-vmm with the status that says how the guest ended (exit), build the "
                "machine anew (restart), or keep what is left for a look until somebody says stop "
                "or reset (pause).",
        .choices = kEndActions},
    Key{.name = "limit",
        .kind = Kind::Number,
        .slot = kValue<&EndPolicy::limit>,
        .help = "How many restarts in a row, each after less than ten minutes, before gh-vmm ends "
                "all the same; 0: as many as it takes.",
        .range = {0, 1'000'000}},
    Key{.name = "backoff",
        .kind = Kind::Duration,
        .slot = kValue<&EndPolicy::backoff>,
        .help = "How long to wait before the first restart in a row; doubles with each, up to a "
                "minute.",
        .range = {0, 60 * kSecond},
        .also = kAlsoBackoff},
};

constexpr std::array kStopKeys{
    Key{.name = "grace",
        .kind = Kind::Duration,
        .slot = kValue<&Stop::grace>,
        .help = "How long a guest that was asked to power off may take before it is ended.",
        .range = {0, kDay}},
};

constexpr std::array kBootKeys{
    Key{.name = "timeout",
        .kind = Kind::Duration,
        .slot = kValue<&Boot::timeout>,
        .help = "How long the guest may take from its start until it is ready.",
        .range = {1, kDay}},
    Key{.name = "ready",
        .kind = Kind::Text,
        .slot = kValue<&Boot::ready>,
        .help = "What the guest says on its first serial line once it is ready. Without it: it is "
                "ready as it starts.",
        .range = {1, 255}},
};

constexpr std::array kControlKeys{
    Key{.name = "enabled",
        .kind = Kind::Flag,
        .slot = kValue<&Control::enabled>,
        .help = "Whether gh-vmm listens at a control socket."},
    Key{.name = "socket",
        .kind = Kind::Path,
        .slot = kValue<&Control::socket>,
        .help = "Where it listens. Without it: in the runtime folder, by the VM's name."},
    Key{.name = "crosvm_socket",
        .kind = Kind::Path,
        .slot = kValue<&Control::crosvm_socket>,
        .help = "A second socket, of type SOCK_SEQPACKET, for launchers of crosvm."},
};

constexpr Key kParam{.kind = Kind::Text, .slot = kTextElement, .range = {1, 2047}};
constexpr std::array kVmKeys{
    Key{.name = "$schema",
        .kind = Kind::Text,
        .slot = {},
        .help = "For editors: where the output of gh-vmm schema lies. Ignored."},
    Key{.name = "name",
        .kind = Kind::Text,
        .slot = kValue<&Vm::name>,
        .help = "The name of the VM. Without it: the name of the file.",
        .range = {1, 79},
        .note = "the Resource Manager's limit"},
    Key{.name = "kernel",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::kernel>,
        .help = "The guest's kernel; a bare text is its path.",
        .required = true,
        .also = kAlsoKernel,
        .members = kKernelKeys,
        .short_form = "path"},
    Key{.name = "initrd",
        .kind = Kind::Path,
        .slot = kValue<&Vm::initrd>,
        .help = "The guest's initial file system (initramfs).",
        .also = kAlsoInitrd,
        .file = FileUse::Read},
    Key{.name = "params",
        .kind = Kind::List,
        .slot = kList<&Vm::params>,
        .help = "The kernel's command line, joined by blanks.",
        .range = {0, 1024},
        .also = kAlsoParams,
        .element = &kParam},
    Key{.name = "cpus",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::cpus>,
        .help = "The guest's CPUs; a bare number is their count.",
        .also = kAlsoCpus,
        .members = kCpusKeys,
        .short_form = "count"},
    Key{.name = "memory",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::memory>,
        .help = "The guest's memory; a bare size is that of RAM.",
        .also = kAlsoMemory,
        .members = kMemoryKeys,
        .short_form = "size"},
    Key{.name = "serial",
        .kind = Kind::List,
        .slot = kList<&Vm::serial>,
        .help = "The guest's serial lines, ttyS0 to ttyS3 in this order; a bare text is a type.",
        .range = {0, 4},
        .also = kAlsoSerial,
        .element = &kSerial},
    Key{.name = "console",
        .kind = Kind::List,
        .slot = kList<&Vm::console>,
        .help = "Ports of a virtio console, which carry what serial lines can, faster; a bare text "
                "is a type.",
        .range = {0, 8},
        .also = kAlsoConsole,
        .element = &kConsole},
    Key{.name = "disks",
        .kind = Kind::List,
        .slot = kList<&Vm::disks>,
        .help = "The guest's disks, /dev/vda, /dev/vdb and so on in this order; a bare text is a "
                "path.",
        .range = {0, 16},
        .also = kAlsoDisks,
        .element = &kDisk},
    Key{.name = "net",
        .kind = Kind::List,
        .slot = kList<&Vm::net>,
        .help = "The guest's network cards, eth0, eth1 and so on in this order; a bare text is a "
                "type.",
        .range = {0, 8},
        .also = kAlsoNet,
        .element = &kNet},
    Key{.name = "rtc",
        .kind = Kind::Flag,
        .slot = kValue<&Vm::rtc>,
        .help = "A real time clock (PL031) with the host's time.",
        .also = kAlsoRtc},
    Key{.name = "power_button",
        .kind = Kind::Flag,
        .slot = kValue<&Vm::power_button>,
        .help = "A power button (PL061 and gpio-keys), by which the guest is asked to shut down.",
        .also = kAlsoPowerButton},
    Key{.name = "pvpanic",
        .kind = Kind::Flag,
        .slot = kValue<&Vm::pvpanic>,
        .help = "A device by which a guest that panics says so (pvpanic-mmio), which ends the VM."},
    Key{.name = "watchdog",
        .kind = Kind::Flag,
        .slot = kValue<&Vm::watchdog>,
        .help = "A watchdog (SP805), which ends the VM when the guest has started it and then "
                "neglects it.",
        .also = kAlsoWatchdog},
    Key{.name = "vsock",
        .kind = Kind::Object,
        .slot = kOptional<&Vm::vsock>,
        .help = "Sockets between guest and host (AF_VSOCK) over unix sockets; a bare text is a "
                "path.",
        .members = kVsockKeys,
        .short_form = "path"},
    Key{.name = "balloon",
        .kind = Kind::Object,
        .slot = kOptional<&Vm::balloon>,
        .help = "Lets the host take memory back that the guest does not use; a bare true is an "
                "empty balloon.",
        .members = kBalloonKeys,
        .short_form = "enabled"},
    Key{.name = "rng",
        .kind = Kind::Flag,
        .slot = kValue<&Vm::rng>,
        .help = "Random numbers of the host's for the guest (virtio-rng). Without the key: true "
                "where devices reach the guest's memory.",
        .also = kAlsoRng},
    Key{.name = "dtb",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::dtb>,
        .help = "The devicetree; a bare text is its base.",
        .also = kAlsoDtb,
        .members = kDtbKeys,
        .short_form = "base"},
    Key{.name = "hypervisor",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::hypervisor>,
        .help = "What runs the VM; a bare text is a device.",
        .members = kHypervisorKeys,
        .short_form = "device"},
    Key{.name = "on_poweroff",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::on_poweroff>,
        .help = "What to do when the guest powers off; a bare text is an action.",
        .also = kAlsoOnPoweroff,
        .members = kEndKeys,
        .short_form = "action"},
    Key{.name = "on_reboot",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::on_reboot>,
        .help = "What to do when the guest asks for a reset; a bare text is an action.",
        .also = kAlsoOnReboot,
        .members = kEndKeys,
        .short_form = "action"},
    Key{.name = "on_crash",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::on_crash>,
        .help = "What to do when the guest crashes, panics or is not ready in time; a bare text is "
                "an action.",
        .also = kAlsoOnCrash,
        .members = kEndKeys,
        .short_form = "action"},
    Key{.name = "on_watchdog",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::on_watchdog>,
        .help = "What to do when the guest's watchdog runs out; a bare text is an action.",
        .members = kEndKeys,
        .short_form = "action"},
    Key{.name = "stop",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::stop>,
        .help = "How the VM is ended by somebody here.",
        .members = kStopKeys},
    Key{.name = "boot",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::boot>,
        .help = "When the guest counts as ready.",
        .members = kBootKeys},
    Key{.name = "control",
        .kind = Kind::Object,
        .slot = kStruct<&Vm::control>,
        .help = "How the running VM is spoken to; a bare path is its socket.",
        .also = kAlsoControl,
        .members = kControlKeys,
        .short_form = "socket"},
};
constexpr Key kVm{.kind = Kind::Object,
                  .slot = {},
                  .help = "A virtual machine for gh-vmm; see gh-vmm.json(5).",
                  .members = kVmKeys};

// --- words about the table

std::string either(std::span<const std::string_view> words)
{
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0                  ? "\""
                 : i + 1 == words.size() ? " or \""
                                         : ", \"") +
                std::string(words[i]) + "\"";
    return text;
}

template <class Format>
std::string bounds(const Range& range, Format format)
{
    const bool open = range.max == std::numeric_limits<std::uint64_t>::max();
    std::string text = " from " + format(range.min) + (open ? " up" : " to " + format(range.max));
    if (range.step > 1)
        text += " in steps of " + format_size(range.step);
    return text;
}

std::string expected_kind(const Key& key)
{
    switch (key.kind) {
    case Kind::Text:
        return "a text of " + std::to_string(key.range.min) + " to " +
               std::to_string(key.range.max) + " printable characters";
    case Kind::Path: return key.file == FileUse::None ? "a path" : "the path of a file";
    case Kind::Size:
        return "a size" + bounds(key.range, format_size) + ", as an integer or such as \"512MiB\"";
    case Kind::Address:
        return "an address" + bounds(key.range, format_address) +
               ", as an integer or such as \"0x80000000\"";
    case Kind::Number:
        return "an integer" +
               bounds(key.range, [](std::uint64_t number) { return std::to_string(number); });
    case Kind::Duration:
        return "a duration" + bounds(key.range, format_duration) + ", such as \"30s\"";
    case Kind::Flag: return "true or false";
    case Kind::Choice: return either(key.choices);
    case Kind::Object:
        if (const Key* bare = find_member(key, key.short_form))
            return expected_kind(*bare) + ", or an object";
        return "an object";
    case Kind::List:
        return "a list of at most " + std::to_string(key.range.max) + " values, each " +
               expected_kind(*key.element);
    }
    return {};
}

}  // namespace

const Key& root_key()
{
    return kVm;
}

const Key* find_member(const Key& object, std::string_view name)
{
    const auto found = std::find_if(object.members.begin(), object.members.end(),
                                    [name](const Key& key) { return key.name == name; });
    return found == object.members.end() ? nullptr : &*found;
}

std::optional<Value> default_of(const Key& key, const void* object)
{
    if (key.required || key.slot.load == nullptr)
        return std::nullopt;
    auto value = key.slot.load(object);
    const bool is_number =
        key.kind == Kind::Size || key.kind == Kind::Address || key.kind == Kind::Number;
    if (value && is_number && value->number < key.range.min)
        return std::nullopt;
    return value;
}

std::string expected(const Key& key)
{
    return expected_kind(key) + (key.note.empty() ? "" : " (" + std::string(key.note) + ")");
}

}  // namespace gh::config
