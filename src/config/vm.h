// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What a configuration file says, as plain data: every short form expanded, every default filled
/// in, every path absolute (relative to the file) or /proc/self/fd/N. No behaviour; the parser
/// (config/parse.h) makes these and everybody else reads them. Keys: gh-vmm.json(5).
namespace gh::config {

enum class Sharing { Share, Lend };
enum class DiskIo { Auto, Uring, Threads };
enum class DeviceChoice { Auto, Kernel, Emulated };
enum class ResourceManager { Open, Production };
enum class Code { Contract, Strict };
enum class Engine { Auto, Jit, Interpreter, Lockstep };
enum class EndAction { Exit, Restart, Pause };
enum class Sandbox { Auto, On, Off };
enum class NetType { User, Tap, Fd };
enum class Protocol { Tcp, Udp };
enum class SerialType { Stdio, File, Socket, Pty, Null };

struct Access {
    bool read = true;
    bool write = true;
    bool execute = true;
};

/// One extra region of guest memory, beside the RAM that Memory::size describes.
struct Region {
    std::uint32_t label = 0;
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    std::optional<std::string> file;  // none: anonymous memory
    std::uint64_t offset = 0;         // into `file`
    bool copy_on_write = false;       // guest writes stay out of `file`
    Access access;
    Sharing sharing = Sharing::Share;
};

struct Memory {
    std::uint64_t size = 512ull << 20;
    std::uint64_t base = 0x8000'0000;
    Sharing sharing = Sharing::Share;
    std::uint64_t swiotlb = 0;  // bytes of shared bounce buffer for a VM whose RAM is lent
    bool hugepages = false;
    bool prefault = false;            // all of RAM is taken from the host before the VM starts
    std::optional<std::string> file;  // RAM backed by this file instead of a memfd
    std::vector<Region> regions;
};

struct Cpus {
    unsigned count = 1;                 // 1..8
    std::vector<std::string> affinity;  // of each vCPU's thread: "0-3,6"; one alone is of all
    unsigned nice = 0;                  // of the vCPUs' threads, 0..19
    std::optional<std::string> cgroup;  // a folder that takes threads: the vCPUs' go there
};

/// A serial line, or a port of the virtio console.
struct Serial {
    SerialType type = SerialType::Stdio;
    std::string path;    // file, socket: where; pty: a symlink to make (may be empty)
    std::string name{};  // of the console's only: /dev/virtio-ports/NAME; empty: hvc0, hvc1, ...
};

/// A disk: a raw image in a file or on a block device.
struct Disk {
    std::string path;
    bool readonly = false;
    bool direct = false;  // past the host's page cache
    bool lock = true;     // nobody else may have the image meanwhile
    std::string serial;   // at most 20 bytes; may be empty
    unsigned queues = 1;  // 1..8
    DiskIo io = DiskIo::Auto;
};

/// A port of the host's that leads to one of the guest's.
struct Forward {
    Protocol proto = Protocol::Tcp;
    std::string address = "127.0.0.1";  // of the host's
    std::uint32_t host = 0;
    std::uint32_t guest = 0;
};

/// A network card and what it leads to.
struct Net {
    NetType type = NetType::User;
    std::string tap;                  // type tap: the interface
    std::optional<std::uint32_t> fd;  // type fd: an open tap or a stream socket
    std::string mac;                  // lower case; derived from the VM's name if it is not given
    std::uint32_t mtu = 0;            // 0: what the type has
    std::vector<Forward> forward;     // type user
};

/// A folder of the host's that the guest mounts.
struct Folder {
    std::string tag;  // what the guest calls it, at most 36 bytes; from the path if it is not given
    std::string path;    // for a virtiofsd of ours
    std::string socket;  // a vhost-user back-end's that runs already; then there is no path
    bool readonly = false;
};

/// Sockets between guest and host, over unix sockets at `path` and `path`_PORT.
struct Vsock {
    std::uint32_t cid = 3;
    std::string path;
};

/// Memory that the guest gives back while it runs.
struct Balloon {
    bool enabled = true;
    std::uint64_t size = 0;  // bytes at first
};

struct Dtb {
    std::optional<std::string> base;
    std::vector<std::string> overlays;
};

struct Hypervisor {
    DeviceChoice device = DeviceChoice::Auto;
    std::string path = "/dev/gunyah";
    std::string personality = "android15";  // of the emulated device
    ResourceManager resource_manager = ResourceManager::Open;
    Engine engine = Engine::Auto;  // of the emulated device
    Code code = Code::Contract;    // of the emulated device
};

/// An image that is not an arm64 kernel is loaded flat where the user says.
struct Kernel {
    std::string path;
    std::optional<std::uint64_t> address;  // only for flat images
};

/// What becomes of a VM whose guest has ended. Times are in milliseconds.
struct EndPolicy {
    EndAction action = EndAction::Exit;
    unsigned limit = 5;            // restarts in a row; 0: as many as it takes
    std::uint64_t backoff = 1000;  // before the first restart in a row; doubles with each
};

struct Stop {
    std::uint64_t grace = 30'000;  // for the guest to power off, in milliseconds
};

struct Boot {
    std::optional<std::uint64_t> timeout;  // until the guest is ready, in milliseconds
    std::string ready;                     // what it says then on its first serial line
};

struct Control {
    bool enabled = true;
    std::string socket;         // empty: in the runtime folder, by the VM's name
    std::string crosvm_socket;  // empty: none
};

struct Vm {
    std::string name;
    Kernel kernel;
    std::optional<std::string> initrd;
    std::vector<std::string> params;  // the kernel command line, joined by blanks
    Cpus cpus;
    Memory memory;
    std::vector<Serial> serial{Serial{}};  // at most four, COM1..COM4 in this order
    std::vector<Serial> console;           // ports of the virtio console; at most eight
    std::vector<Disk> disks;               // vda, vdb, ... in this order
    std::vector<Net> net;                  // eth0, eth1, ... in this order
    std::vector<Folder> folders;
    bool rtc = true;
    bool power_button = true;
    bool pvpanic = true;
    bool watchdog = false;
    std::optional<Vsock> vsock;
    std::optional<Balloon> balloon;
    std::optional<bool> rng;  // the host's random numbers; set by the parser
    Dtb dtb;
    Hypervisor hypervisor;
    EndPolicy on_poweroff;
    EndPolicy on_reboot;
    EndPolicy on_crash;
    EndPolicy on_watchdog;
    Stop stop;
    Boot boot;
    Control control;
    Sandbox sandbox = Sandbox::Auto;  // how far the running gh-vmm confines itself
};

}  // namespace gh::config
