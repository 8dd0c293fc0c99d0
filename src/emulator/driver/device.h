// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/vm.h"
#include "gunyah/file.h"

#include <memory>
#include <string>

/// The built-in /dev/gunyah: what the kernel's driver does, on top of the emulated Resource Manager
/// (rm/) and hypervisor (hyp/), for a client in this process.
namespace gh::rm {
class ResourceManager;
}

namespace gh::driver {

class Client;
class GuestMemories;
struct Personality;

/// What the Resource Manager accepts. Production is what phones do: the parcel that holds the
/// devicetree must be lent, with read, write and execute rights. Open also takes shared memory.
enum class Manner { Open, Production };

struct DeviceOptions {
    std::string personality = "android15";  // as find_personality() knows them
    Manner manner = Manner::Open;
    hyp::Engine engine = hyp::Engine::Auto;
    bool strict_code = false;  // for guests that change code without cache maintenance
    std::shared_ptr<hyp::Profiler> profiler = nullptr;  // told where time goes, if not null
    std::shared_ptr<hyp::Debugger> debugger = nullptr;  // stops the device's one VM, if not null
};

/// One machine of one host: its Resource Manager counts the vmids, whoever opens its device. VMs
/// and vCPUs may outlive it, as descriptors do. Any thread.
class Machine {
public:
    /// Throws Error as open_emulated_device() does.
    explicit Machine(const DeviceOptions& options);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// open("/dev/gunyah") by `client`.
    [[nodiscard]] std::unique_ptr<gunyah::File> open(std::shared_ptr<Client> client) const;

private:
    const Personality& personality_;
    std::shared_ptr<rm::ResourceManager> manager_;
    std::shared_ptr<GuestMemories> memories_;
};

/// Opens a machine of its own for this process: vmids are counted per device opened here. VMs and
/// vCPUs made from it may outlive it, as descriptors do. Throws Error for a personality that does
/// not exist, or for Engine::Jit where the host has no way to it. Files may
/// be used by any thread; a lent range of the caller's memory raises SIGBUS from GH_VM_START until
/// the last file of its VM is gone.
[[nodiscard]] std::unique_ptr<gunyah::File> open_emulated_device(const DeviceOptions& options);

}  // namespace gh::driver
