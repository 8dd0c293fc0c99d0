// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/call.h"
#include "emulator/hyp/cspace.h"
#include "emulator/hyp/doorbell.h"
#include "emulator/hyp/message_queue.h"
#include "emulator/hyp/power.h"
#include "emulator/hyp/vm.h"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

namespace gh::hyp {

/// Whom addrspace_modify_pages asks, once its arguments are sound.
class PageModifier {
public:
    virtual ~PageModifier() = default;
    /// Done before vCPU `vcpu` executes another instruction. False: it is not possible.
    virtual bool modify_pages(unsigned vcpu, const PageChange& change) noexcept = 0;
};

/// Gunyah's hypercalls as a guest may use them: on its doorbells and message queues, on its vCPUs
/// where it has no PSCI, and what needs no capability. Whatever else it names gets the error that
/// real Gunyah gives (gunyah-guest-abi.md section 4, golden "hyp.*", "hvc.imm.*").
class Hypercalls {
public:
    /// Version 1, 64 bits, little endian, variant 'Q'.
    static constexpr std::uint64_t kApiInfo = 0x5100'0000'0000'8001;

    /// What the calls are about. The references must outlive the object.
    struct Objects {
        std::vector<Capability> capabilities;
        Power& power;
        std::deque<Doorbell>& doorbells;
        std::deque<MessageQueue>& queues;
        /// A guest has sent to or received from that queue.
        std::function<void(unsigned queue)> on_message;
        /// nullptr where there is no demand paging, and no call to give pages back.
        PageModifier* modifier = nullptr;
    };
    explicit Hypercalls(Objects objects)
        : cspace_(std::move(objects.capabilities)),
          power_(objects.power),
          doorbells_(objects.doorbells),
          queues_(objects.queues),
          on_message_(std::move(objects.on_message)),
          modifier_(objects.modifier)
    {
    }

    /// HVC #0x6000 + n: results in x0..x7, x9 is the return address, x10..x17 are zero.
    After by_immediate(Call& call, std::uint16_t immediate) noexcept;
    [[nodiscard]] bool is_immediate(std::uint16_t immediate) const noexcept;
    /// SMCCC 0xc6008000 | n with the arguments one register higher: only results are written.
    After by_function(Call& call, unsigned number) noexcept;

private:
    using Arguments = std::array<std::uint64_t, 8>;
    /// An error and what the call returns beside it.
    struct Answer {
        std::uint64_t error = kOk;
        std::array<std::uint64_t, 4> output{};
        After after = After::GoOn;
        bool returns = true;  // to the guest, registers and all
    };

    [[nodiscard]] bool exists(unsigned number) const noexcept;
    Answer answer(const Call& call, unsigned number, const Arguments& in) noexcept;
    Answer modify_pages(unsigned vcpu, const Arguments& in) noexcept;
    Answer identify() const noexcept;
    Answer entropy(std::uint64_t bytes) const noexcept;
    Answer yield(const Arguments& in) const noexcept;
    Answer on_thread(const Call& call, unsigned number, unsigned vcpu,
                     const Arguments& in) noexcept;
    Answer on_doorbell(unsigned number, Doorbell& bell, const Arguments& in) noexcept;
    Answer on_queue(const Call& call, unsigned number, MessageQueue& queue,
                    const Arguments& in) noexcept;

    Cspace cspace_;
    Power& power_;
    std::deque<Doorbell>& doorbells_;
    std::deque<MessageQueue>& queues_;
    std::function<void(unsigned)> on_message_;
    PageModifier* const modifier_;
};

}  // namespace gh::hyp
