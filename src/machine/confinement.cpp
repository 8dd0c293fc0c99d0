// SPDX-License-Identifier: BSD-3-Clause
#include "machine/confinement.h"

#include "base/error.h"
#include "base/log.h"
#include "control/place.h"
#include "machine/debugging.h"
#include "sandbox/confine.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <linux/capability.h>

namespace gh::machine {
namespace {

using sandbox::FileUse;
using Files = std::vector<sandbox::Policy::File>;

std::string folder_of(const std::string& path)
{
    return path.empty() ? "" : std::filesystem::absolute(path).parent_path().string();
}

void add(Files& files, const std::optional<std::string>& path, FileUse use)
{
    if (path && !path->empty())
        files.push_back({*path, use});
}

void add_memory(Files& files, const config::Vm& vm)
{
    add(files, vm.kernel.path, FileUse::Read);
    add(files, vm.initrd, FileUse::Read);
    add(files, vm.dtb.base, FileUse::Read);
    for (const auto& overlay : vm.dtb.overlays)
        add(files, overlay, FileUse::Read);
    add(files, vm.memory.file, FileUse::ReadWrite);
    for (const auto& region : vm.memory.regions)
        add(files, region.file,
            region.access.write && !region.copy_on_write ? FileUse::ReadWrite : FileUse::Read);
}

void add_serial(Files& files, const config::Serial& line)
{
    switch (line.type) {
    case config::SerialType::Stdio: add(files, "/proc/self/fd/1", FileUse::ReadWrite); break;
    case config::SerialType::File: add(files, line.path, FileUse::ReadWrite); break;
    case config::SerialType::Socket: add(files, folder_of(line.path), FileUse::MakeSockets); break;
    case config::SerialType::Pty:
        add(files, "/dev/ptmx", FileUse::ReadWrite);
        add(files, "/dev/pts", FileUse::ReadWrite);
        add(files, folder_of(line.path), FileUse::MakeLinks);
        break;
    case config::SerialType::Null: break;
    }
}

/// What vCPUs' threads join their control group by, of version 2 or 1.
void add_control_group(Files& files, const config::Cpus& cpus)
{
    if (!cpus.cgroup)
        return;
    for (const char* file : {"/cgroup.threads", "/tasks"})
        add(files, *cpus.cgroup + file, FileUse::ReadWrite);
}

bool is_port(const std::string& where)
{
    return where.find_first_not_of("0123456789") == std::string::npos;
}

/// /dev/net/tun and passt are none of them: what cards lead to is kept.
void add_devices(Files& files, const config::Vm& vm)
{
    for (const auto& line : vm.console)
        add_serial(files, line);
    for (const auto& disk : vm.disks)
        add(files, disk.path, disk.readonly ? FileUse::Read : FileUse::ReadWrite);
    if (vm.vsock)
        add(files, folder_of(vm.vsock->path), FileUse::MakeSockets);
}

/// What is listened at is opened once but for GDB's, and goes in the end.
void add_sockets(Files& files, const config::Vm& vm, const RunOptions& options)
{
    const auto& control = vm.control;
    add(files, control.socket.empty() ? control::default_folder() : folder_of(control.socket),
        FileUse::MakeSockets);
    add(files, folder_of(control.crosvm_socket), FileUse::MakeSockets);
    if (options.gdb && !is_port(parse_gdb_option(*options.gdb).where))
        add(files, folder_of(parse_gdb_option(*options.gdb).where), FileUse::MakeSockets);
}

/// All that the VM opens. It has done so before; but it may be built again, in the same process.
Files files_of(const config::Vm& vm, const RunOptions& options, bool emulated)
{
    Files files{{"/dev/null", FileUse::ReadWrite},
                {"/proc/self", FileUse::Read},  // counts of eventfds, maps
                {"/sys/kernel/mm/transparent_hugepage/shmem_enabled", FileUse::Read}};
    if (!emulated)
        add(files, vm.hypervisor.path, FileUse::ReadWrite);
    add_memory(files, vm);
    for (const auto& line : vm.serial)
        add_serial(files, line);
    add_devices(files, vm);
    add_control_group(files, vm.cpus);
    add_sockets(files, vm, options);
    add(files, folder_of(options.pid_file), FileUse::Remove);
    return files;
}

/// Where it calls: a guest's sockets, who serves a folder; and, to see whether a socket's file is
/// a stale one, where it will listen again.
bool is_to_call(const config::Vm& vm, const RunOptions& options)
{
    const auto is_socket = [](const config::Serial& line) {
        return line.type == config::SerialType::Socket;
    };
    const auto is_called = [](const config::Folder& folder) { return !folder.socket.empty(); };
    return vm.vsock || std::any_of(vm.serial.begin(), vm.serial.end(), is_socket) ||
           std::any_of(vm.console.begin(), vm.console.end(), is_socket) ||
           std::any_of(vm.folders.begin(), vm.folders.end(), is_called) ||
           (options.gdb && !is_port(parse_gdb_option(*options.gdb).where));
}

sandbox::Reach reach_of(const config::Vm& vm, const RunOptions& options)
{
    const auto is_started = [](const config::Folder& folder) { return folder.socket.empty(); };
    return {.internet = options.gdb && is_port(parse_gdb_option(*options.gdb).where),
            .call = is_to_call(vm, options),
            .end_children = std::any_of(vm.folders.begin(), vm.folders.end(), is_started)};
}

bool restarts(const config::Vm& vm)
{
    const auto is_restart = [](const config::EndPolicy* policy) {
        return policy->action == config::EndAction::Restart;
    };
    const std::array policies{&vm.on_poweroff, &vm.on_reboot, &vm.on_crash, &vm.on_watchdog};
    return std::any_of(policies.begin(), policies.end(), is_restart);
}

std::vector<int> capabilities_of(const config::Vm& vm, bool emulated)
{
    std::vector<int> kept;
    // Kernels that page on demand lock memory as the guest touches it, and all do, as the emulated
    // ones, when a VM is built again; what they lock they count unless.
    if (!emulated || restarts(vm))
        kept.push_back(CAP_IPC_LOCK);
    // Root's VM may have others' files. Landlock lets it no further than to these.
    if (restarts(vm))
        kept.push_back(CAP_DAC_OVERRIDE);
    return kept;
}

}  // namespace

void Confinement::enter(bool emulated)
{
    if (vm_.sandbox == config::Sandbox::Off || std::exchange(entered_, true))
        return;
    // The rule is of an inode, and proc makes another one once it has forgotten the folder.
    own_folder_ = Fd{::open("/proc/self", O_PATH | O_CLOEXEC)};
    const sandbox::Policy policy{.files = files_of(vm_, options_, emulated),
                                 .capabilities = capabilities_of(vm_, emulated),
                                 .reach = reach_of(vm_, options_)};
    const auto all_missing = sandbox::confine(policy);
    for (const auto& missing : all_missing) {
        if (vm_.sandbox == config::Sandbox::On)
            throw Error(missing +
                        ": without it this VM is not as confined as \"sandbox\": \"on\" "
                        "demands; \"auto\" does without");
        log(LogLevel::Info, "less confined: %s", missing.c_str());
    }
    if (all_missing.empty())
        log(LogLevel::Info, "confined: by Landlock, a filter of system calls, and %s capabilities",
            policy.capabilities.empty() ? "no" : "few");
}

}  // namespace gh::machine
