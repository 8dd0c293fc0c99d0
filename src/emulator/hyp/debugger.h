// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"
#include "emulator/cpu/cpu.h"
#include "emulator/cpu/stop_points.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace gh::hyp {

class AddressSpace;

/// A debugger outside the guest: stops all vCPUs of a VM together, looks at them, lets them go. The
/// VM has a seat for each vCPU, whose thread asks to enter the guest and says when it has left;
/// while vCPUs are to stand, enter() waits. A vCPU that sleeps, or whose exit somebody outside
/// answers, stands where it is. The guest's timers go on meanwhile, as time does.
///
/// One lock, held while somebody looks at a PE; it is above that of the address space and below
/// none.
class Debugger {
public:
    /// What a vCPU is to do next.
    enum class Order : std::uint8_t { Stay, Go, Step };
    enum class Beginning : std::uint8_t { Stopped, Running };

    struct Stop {
        unsigned vcpu = 0;
        cpu::DebugStop why;
    };

    explicit Debugger(Beginning beginning) : stopping_(beginning == Beginning::Stopped) {}
    Debugger(const Debugger&) = delete;
    Debugger& operator=(const Debugger&) = delete;

    // ---- For whoever debugs: one thread at a time. Without a VM these do nothing.

    /// Becomes readable when a VM comes, stops, ends or goes.
    [[nodiscard]] const EventFd& event() const noexcept { return event_; }
    /// How many vCPUs the VM has; 0: there is none.
    [[nodiscard]] unsigned vcpus() const noexcept;
    /// The guest has ended its VM, or somebody else has.
    [[nodiscard]] bool ended() const noexcept;

    /// Stops all vCPUs and waits until they stand, which is soon.
    void stop() noexcept;
    /// Why they stand: of those that did not just follow, the first. Nothing while one runs.
    [[nodiscard]] std::optional<Stop> stopped() const noexcept;
    /// Lets those go that are not to stay; `orders` has one for each vCPU.
    void resume(std::span<const Order> orders) noexcept;
    /// Sets what stops them; they must stand. False: they do not.
    bool set_stop_points(const cpu::StopPoints& points) noexcept;

    /// Looks at the PE of a vCPU, if all stand: false if not.
    bool with(unsigned vcpu, const std::function<void(cpu::Cpu&)>& body) noexcept;
    /// The guest's memory by the virtual addresses of a vCPU, as EL1 sees them or else EL0, without
    /// PAN and without regard to who may write; RAM alone. Returns how many bytes there were up to
    /// the first that is not there. Code that was written over is executed anew.
    std::size_t read_memory(unsigned vcpu, std::uint64_t va, std::span<std::byte> to) noexcept;
    std::size_t write_memory(unsigned vcpu, std::uint64_t va,
                             std::span<const std::byte> from) noexcept;

    // ---- For the VM.

    struct Vm {
        std::vector<cpu::Cpu*> pes;
        cpu::Platform* platform = nullptr;
        cpu::Cluster* cluster = nullptr;
        const AddressSpace* memory = nullptr;
    };
    void attach(Vm vm);
    void detach() noexcept;
    void end() noexcept;

    /// On a vCPU's thread, before it touches its PE: waits while it is to stand. False: `disturbed`
    /// says that there is something else to do first, and it has not entered.
    bool enter(unsigned vcpu, const std::function<bool()>& disturbed) noexcept;
    /// And when it touches it no more. `why`: it stopped by itself, and so all do.
    void leave(unsigned vcpu, const std::optional<cpu::DebugStop>& why) noexcept;
    /// Those who are inside should come out. Any thread.
    [[nodiscard]] bool stopping() const noexcept { return stopping_.load(); }
    /// What `disturbed` says may have changed. Any thread.
    void look_again() noexcept;

private:
    struct Seat {
        cpu::Cpu* pe = nullptr;
        bool inside = false;
        Order order = Order::Go;
        bool step_begun = false;
    };

    [[nodiscard]] bool all_stand() const noexcept;
    void call_out() noexcept;
    template <class Copy>
    std::size_t for_each_page(unsigned vcpu, std::uint64_t va, std::size_t size, bool write,
                              Copy copy) noexcept;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Vm vm_;  // these: guarded by mutex_
    std::vector<Seat> seats_;
    cpu::StopPoints points_;
    std::optional<Stop> stop_;
    bool ended_ = false;
    std::atomic<bool> stopping_;
    EventFd event_;
};

}  // namespace gh::hyp
