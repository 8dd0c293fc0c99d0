// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/vm.h"
#include "emulator/rm/error.h"
#include "memory/gpa.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace gh::fdt {
struct VmConfigTree;
}

namespace gh::rm {

class RpcServer;

inline constexpr std::uint16_t kVmidHost = 3;

/// Of a devicetree that this Resource Manager reads: what VMMs leave room for. A limit of ours.
inline constexpr std::size_t kMaxTree = 2u << 20;

/// Rights of a parcel, as the host's flags number them.
inline constexpr std::uint32_t kRead = 1;
inline constexpr std::uint32_t kWrite = 2;
inline constexpr std::uint32_t kExecute = 4;
inline constexpr std::uint32_t kAllRights = kRead | kWrite | kExecute;

/// Memory that the host gives to a VM. `at` is where its owner wants it, and where it goes if
/// Policy::addresses_honoured; else the Resource Manager moves it (fdt::place_parcels).
struct Parcel {
    Gpa at{};
    std::uint64_t size = 0;
    std::uint32_t label = 0;
    std::uint32_t rights = kAllRights;
    bool lent = false;
};

/// Where (a part of) a parcel lies in this process, at VM_START. With demand paging the rest comes
/// to the running guest (SET_DEMAND_PAGING).
struct HostPiece {
    std::size_t parcel = 0;
    std::uint64_t offset = 0;
    std::span<std::byte> host;
    bool host_writable = false;
};

enum class VmState : std::uint8_t {
    NoState = 0,
    Init = 1,
    Ready = 2,
    Running = 3,
    Load = 5,
    InitFailed = 8,
    Exited = 9,
    Reset = 11,
};

/// GET_HYP_RESOURCES: what the host may use of a VM. `index` counts as hyp::VmConfig does.
struct Resource {
    enum class Type : std::uint8_t { BellTx = 0, Vcpu = 4 };
    Type type = Type::BellTx;
    std::uint32_t label = 0;
    unsigned index = 0;
};

struct ImageConfig {
    std::vector<Parcel> parcels;
    std::size_t image = 0;  // the parcel that holds the devicetree
    std::uint64_t dtb_offset = 0;
    std::uint64_t dtb_size = 0;
};

/// What holds for every VM of a machine.
struct Policy {
    bool production = false;         // demands lent memory, as Resource Managers of phones do
    bool addresses_honoured = true;  // demand paging: memory lies where its owner says
    hyp::Engine engine = hyp::Engine::Auto;
    bool strict_code = false;                           // hyp::VmConfig has it
    std::shared_ptr<hyp::Profiler> profiler = nullptr;  // as hyp::VmConfig has them
    std::shared_ptr<hyp::Debugger> debugger = nullptr;
};

/// One VM as the Resource Manager keeps it. Messages are its methods, in the order in which a
/// kernel sends them; one thread at a time, but for the exit that the hypervisor tells.
class Vm {
public:
    Vm(std::uint16_t vmid, Policy policy);
    ~Vm();
    Vm(const Vm&) = delete;
    Vm& operator=(const Vm&) = delete;

    [[nodiscard]] std::uint16_t vmid() const noexcept { return vmid_; }
    [[nodiscard]] VmState state() const noexcept { return state_; }

    /// VM_CONFIG_IMAGE, with the parcels that go with it.
    Error configure(ImageConfig config);
    /// SET_FIRMWARE_MEM: there is no protected-VM firmware here.
    Error set_firmware_memory();
    /// VM_INIT. `dtb` is a copy of the whole devicetree range.
    Error init(std::vector<std::byte> dtb);
    /// SET_BOOT_CONTEXT: register sets of gunyah::GUNYAH_REG_SET_*.
    Error set_boot_register(std::uint32_t set, std::uint32_t index, std::uint64_t value);
    [[nodiscard]] std::vector<Resource> resources() const;
    /// VM_START: patches the devicetree, makes the hypervisor's VM. `on_exit` as in hyp::VmConfig.
    Error start(std::span<const HostPiece> memory, std::function<void(const hyp::VmExit&)> on_exit);
    /// VM_STOP with force, if it runs.
    void stop() noexcept;
    /// VM_RESET: lets go of the guest's memory.
    Error reset() noexcept;

    /// From VM_INIT on: whether memory may come while it runs. Faults of vCPUs that nobody runs
    /// have nobody to go to.
    [[nodiscard]] bool pages_on_demand() const noexcept;

    /// The running VM; nullptr before VM_START and after VM_RESET.
    [[nodiscard]] hyp::Vm* hypervisor() const noexcept { return hypervisor_.get(); }

private:
    Error check_configuration() const;
    Error read_devicetree();
    Error check_start() const;
    Error place_parcels();
    Error patch_devicetree(std::span<const HostPiece> memory);
    Error make_hypervisor(std::span<const HostPiece> memory,
                          std::function<void(const hyp::VmExit&)> on_exit);
    [[nodiscard]] hyp::BootContext boot_context() const;
    [[nodiscard]] Gpa dtb_address() const;

    std::uint16_t vmid_;
    Policy policy_;
    std::atomic<VmState> state_{VmState::Load};  // a vCPU thread tells of the exit
    ImageConfig config_;
    std::vector<std::byte> dtb_;
    std::unique_ptr<fdt::VmConfigTree> tree_;
    hyp::BootContext boot_;
    bool pc_given_ = false;
    bool x0_given_ = false;
    std::unique_ptr<RpcServer> rpc_;  // told by the hypervisor
    std::unique_ptr<hyp::Vm> hypervisor_;
};

}  // namespace gh::rm
