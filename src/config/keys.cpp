// SPDX-License-Identifier: BSD-3-Clause
#include "config/keys.h"

#include "config/device_keys.h"
#include "config/hypervisor_keys.h"
#include "config/memory_keys.h"
#include "config/slots.h"
#include "config/supervision_keys.h"
#include "config/vm.h"

#include <algorithm>
#include <array>

namespace gh::config {
namespace {

// --- words; those of an enumeration in its order

using Words = std::string_view;
constexpr std::array<Words, 3> kSandboxes{"auto", "on", "off"};

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
constexpr std::array<Words, 3> kAlsoDtb{"fdt", "device_tree", "devicetree"};
constexpr std::array<Words, 6> kAlsoDisks{"disk", "drives", "drive", "block", "storage", "rwdisk"};
constexpr std::array<Words, 2> kAlsoCgroup{"vcpu_cgroup", "vcpu_cgroup_path"};
constexpr std::array<Words, 2> kAlsoAffinity{"cpu_affinity", "pin"};
constexpr std::array<Words, 3> kAlsoOnCrash{"on_panic", "restart_policy", "restart"};
constexpr std::array<Words, 2> kAlsoOnPoweroff{"on_shutdown", "on_halt"};
constexpr std::array<Words, 1> kAlsoOnReboot{"on_reset"};
constexpr std::array<Words, 3> kAlsoControl{"api_socket", "socket", "api"};
constexpr std::array<Words, 4> kAlsoSandbox{"seccomp", "jail", "disable_sandbox", "confine"};
constexpr std::array<Words, 5> kAlsoNet{"network", "networks", "nets", "network_interfaces",
                                        "netdev"};
constexpr std::array<Words, 5> kAlsoFolders{"fs", "shares", "shared_dirs", "shared_folders",
                                            "virtiofs"};
constexpr std::array<Words, 3> kAlsoRng{"entropy", "virtio_rng", "random"};

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
    Key{.name = "cgroup",
        .kind = Kind::Path,
        .slot = kValue<&Cpus::cgroup>,
        .help = "The control group that their threads join, a folder below /sys/fs/cgroup.",
        .also = kAlsoCgroup},
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
    Key{.name = "folders",
        .kind = Kind::List,
        .slot = kList<&Vm::folders>,
        .help = "Folders of the host's that the guest mounts (virtiofs); a bare text is a path.",
        .range = {0, 8},
        .also = kAlsoFolders,
        .element = &kFolder},
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
    Key{.name = "sandbox",
        .kind = Kind::Choice,
        .slot = kValue<&Vm::sandbox>,
        .help = "Whether gh-vmm gives up all files, system calls and rights that a running VM does "
                "not need: as far as the host's kernel can (auto), fully or not at all (on), or "
                "not (off).",
        .choices = kSandboxes,
        .also = kAlsoSandbox},
};
constexpr Key kVm{.kind = Kind::Object,
                  .slot = {},
                  .help = "A virtual machine for gh-vmm; see gh-vmm.json(5).",
                  .members = kVmKeys};

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

}  // namespace gh::config
