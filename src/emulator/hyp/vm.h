// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/capability.h"
#include "memory/gpa.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

/// The emulated hypervisor proper: what runs at EL2 on a phone. It knows address spaces, vCPUs,
/// doorbells, the GIC and the timers of one VM, and speaks to its owner (rm/ and driver/) as
/// Gunyah's hypercalls do. It knows no file and no devicetree.
namespace gh::hyp {

/// Where the frames of the GICv3 lie (the devicetree's say).
struct GicLayout {
    Gpa distributor{0x3fff'0000};
    Gpa redistributors{0x3ffb'0000};
    std::uint64_t stride = 0x2'0000;  // from one redistributor to the next; at least its 128 KiB
};

/// A doorbell that the owner rings and the guest receives as an SPI, or that the guest rings: its
/// owner has no way to see it, as user space on the real thing has none, so it keeps its flags.
struct DoorbellConfig {
    std::uint32_t label = 0;
    std::uint32_t intid = 32;  // 32..1019; 0: the guest rings it
    bool level = false;
    bool source_can_clear = false;
};

/// A message queue between the guest and its owner's side.
struct MessageQueueConfig {
    bool guest_sends = false;          // else it receives
    std::uint32_t intid = 32;          // 32..1019: not full for a sender, not empty for a receiver
    std::uint32_t message_size = 240;  // at most, in bytes
    std::uint32_t depth = 8;           // messages; at least 1
};

struct VcpuConfig {
    std::uint64_t mpidr = 0x8000'0000;
    bool boots = false;  // begins at the entry point with the VM; else waits for PSCI CPU_ON
};

/// A block of guest memory and who may do what with it. `host` stays mapped as long as the VM, or
/// until Vm::unmap().
struct RamRange {
    Gpa at{};
    std::span<std::byte> host;
    bool writable = true;
    bool executable = true;
    bool guests_alone = false;  // the owner cannot take it while the guest does not release it
};

struct MemoryRange {
    Gpa at{};
    std::uint64_t size = 0;
};

/// What a guest asks to be done with the memory that it has alone in a range.
struct PageChange {
    MemoryRange range;
    bool unlock = false;    // its owner may have it back: the guest must fault to have it again
    bool sanitise = false;  // zero it
};

/// Demand paging, as hypervisors since 2024 know it: an access that finds no page comes to the
/// owner, who may map() one. Where it is off, memory is what VmConfig says, and such an access is
/// an external abort (golden README 02.19).
struct Paging {
    bool on = false;
    /// What the owner will give the guest for itself (SET_DEMAND_PAGING): accesses there are page
    /// faults also where they have a syndrome, elsewhere those are VMMIO.
    std::vector<MemoryRange> guests_alone;
};

struct BootContext {
    std::uint64_t pc = 0;
    std::array<std::uint64_t, 31> x{};
    std::uint64_t sp_el0 = 0;
    std::uint64_t sp_el1 = 0;
};

/// How a VM ended: the payload of the Resource Manager's VM_EXITED (gunyah-uapi.md 3.4).
struct VmExit {
    std::uint16_t type = 0;
    std::uint32_t reason_size = 4;
    std::array<std::uint8_t, 16> reason{};
};

/// What VmConfig::on_message may do with the VM. Queues count as VmConfig has them.
class MessageOwner {
public:
    /// Into a queue that the guest receives from. False: it is full, or the message too long.
    virtual bool post(unsigned queue, std::span<const std::byte> message) noexcept = 0;
    /// The oldest message of a queue that the guest sends to, if it fits into `to`: its size.
    virtual std::optional<std::size_t> take(unsigned queue, std::span<std::byte> to) noexcept = 0;
    /// Ends the VM, as the guest has asked its owner to.
    virtual void end(const VmExit& exit) noexcept = 0;

protected:
    ~MessageOwner() = default;
};

class Profiler;
class Debugger;

/// What executes the guest's instructions. Auto: translated code where the host can, else T0.
/// Lockstep: both, compared after each unit; for VMs of one vCPU.
enum class Engine : std::uint8_t { Auto, Jit, Interpreter, Lockstep };

/// Why Engine::Jit and Lockstep are not possible here; nullptr: they are.
[[nodiscard]] const char* jit_obstacle() noexcept;

struct VmConfig {
    Engine engine = Engine::Auto;
    bool strict_code = false;       // notice changes of code that no IC IVAU tells of
    std::vector<VcpuConfig> vcpus;  // 1..8
    GicLayout gic;
    std::vector<DoorbellConfig> doorbells;
    std::vector<MessageQueueConfig> message_queues;
    std::vector<Capability> capabilities;  // the guest's, by number
    std::vector<RamRange> ram;             // disjoint, 4 KiB aligned
    Paging paging;
    bool psci = true;
    bool proxy = true;  // vCPUs run as their owner calls run(); else by themselves, from begin() on
    BootContext boot;
    /// Told where the time goes; nullptr: nobody asks, and nothing that costs is counted.
    std::shared_ptr<Profiler> profiler = nullptr;
    /// Who stops the guest and looks at it; nullptr: nobody. Not with Engine::Lockstep.
    std::shared_ptr<Debugger> debugger = nullptr;
    /// Told once, from a vCPU thread or from stop(), when the VM is over. Must not call back.
    std::function<void(const VmExit&)> on_exit;
    /// Told on the vCPU's thread after the guest has sent to `queue` or received from it.
    std::function<void(MessageOwner&, unsigned queue)> on_message = nullptr;
};

/// vcpu_run hypercall results (gunyah-guest-abi.md 3.9).
enum class VcpuState : std::uint32_t {
    Ready = 0,
    ExpectsWakeup = 1,
    PoweredOff = 2,
    Blocked = 3,
    VmmioRead = 4,
    VmmioWrite = 5,
    Fault = 6,
    PageFault = 7,
    SystemReset = 0x100,
};

inline constexpr std::uint64_t kExitedForGood = 1;  // data[0] of PoweredOff: the VM is over

struct VcpuRunResult {
    VcpuState state = VcpuState::Ready;
    std::array<std::uint64_t, 3> data{};  // VMMIO: ipa, size, value; PageFault: ipa, FaultAccess
};

/// What a page fault wanted to do. The values are the hypervisor's, but for Execute, which is ours:
/// no source that we have says more than that it is neither of the others.
enum class FaultAccess : std::uint64_t { Read = 0, Write = 1, Execute = 2 };

/// What the owner answers to a VMMIO or page-fault result at the next run.
struct Resume {
    enum class Action : std::uint8_t { Emulate = 0, Retry = 1, Fault = 2 };
    std::uint64_t value = 0;
    Action action = Action::Emulate;
};

class Vm {
public:
    explicit Vm(VmConfig config);
    ~Vm();
    Vm(const Vm&) = delete;
    Vm& operator=(const Vm&) = delete;

    /// Lets the vCPUs run of a VM that is not proxy: MMIO of theirs is an external abort, and the
    /// VM's end is told by on_exit alone. Nothing to a VM that is proxy.
    void begin() noexcept;
    /// Whether it schedules the vCPUs itself: vcpu_run is then refused (BUSY), and run() and
    /// wait_for_wakeup() are not to be called.
    [[nodiscard]] bool schedules() const noexcept;

    /// Hypercall vcpu_run: runs the guest until it needs its owner. One thread per vCPU at a time.
    /// Returns Ready after kick().
    VcpuRunResult run(unsigned vcpu, const Resume& resume) noexcept;

    /// Sleeps until `vcpu` (which said ExpectsWakeup or PoweredOff) has something to do: its
    /// wake-up interrupt, kick(), or the end of the VM.
    void wait_for_wakeup(unsigned vcpu) noexcept;

    /// Makes run() or wait_for_wakeup() of that vCPU return soon; remembered if neither is under
    /// way. Any thread.
    void kick(unsigned vcpu) noexcept;

    /// Forced stop (type 7): every vCPU becomes PoweredOff for good and is kicked. The VM has
    /// exited when it returns, and on_exit was told. Any thread.
    void stop() noexcept;
    [[nodiscard]] bool exited() const noexcept;

    /// Gives the guest memory where it has none. 4 KiB aligned. Any thread outside run().
    void map(const RamRange& range);
    /// Takes whatever it has of a range away. When it returns no vCPU reads or writes it, or runs
    /// code of it, any more. Any thread outside run().
    void unmap(MemoryRange range);
    /// Whether the guest has any page of a range. Any thread outside run().
    [[nodiscard]] bool has_any(MemoryRange range) const;

    /// The owner's doorbell hypercalls, by index in VmConfig (gunyah-guest-abi.md 3.4). Any thread.
    std::uint64_t doorbell_send(unsigned bell, std::uint64_t flags) noexcept;
    std::uint64_t doorbell_receive(unsigned bell, std::uint64_t clear) noexcept;
    /// False: the source of this one cannot clear it, and so has no right to.
    bool doorbell_mask(unsigned bell, std::uint64_t enable, std::uint64_t ack) noexcept;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace gh::hyp
