// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/hypercalls.h"

#include "base/bits.h"
#include "emulator/hyp/entropy.h"
#include "emulator/hyp/hypercall_table.h"

#include <algorithm>

namespace gh::hyp {

namespace {

constexpr std::uint64_t kYieldTo = 1;  // hints: 0 yield, 1 yield to, 2 yield lower
constexpr std::uint32_t kThreadYieldTo = 0x10;
constexpr std::uint64_t kFlags0 = 0x1000'0eff;  // golden hyp.identify
constexpr std::uint64_t kPush = 1;              // of msgqueue_send
constexpr std::uint64_t kKeepEntry = 1;         // of vcpu_poweron
constexpr std::uint64_t kKeepContext = 2;
constexpr std::uint64_t kLastVcpu = 1;  // of vcpu_poweroff
constexpr std::uint64_t kVcpuOptions = 0x8000'0000'0000'033f;

bool reserved_is_right(const Signature& signature, const std::array<std::uint64_t, 8>& in)
{
    return signature.arguments >= in.size() ||
           in[signature.arguments] == (signature.reserved_ones ? ~std::uint64_t{0} : 0);
}

/// Flags that are looked at before the capability.
bool flags_are_known(unsigned number, const std::array<std::uint64_t, 8>& in)
{
    switch (number) {
    case VCPU_CONFIGURE: return (in[1] & ~kVcpuOptions) == 0;
    case VCPU_POWERON: return (in[3] & ~(kKeepEntry | kKeepContext)) == 0;
    case VCPU_POWEROFF: return (in[1] & ~kLastVcpu) == 0;
    default: return true;
    }
}

}  // namespace

bool Hypercalls::exists(unsigned number) const noexcept
{
    return kHypercalls[number].exists && (number != ADDRSPACE_MODIFY_PAGES || modifier_ != nullptr);
}

bool Hypercalls::is_immediate(std::uint16_t immediate) const noexcept
{
    return immediate >> 8 == 0x60 && exists(immediate & 0xff);
}

After Hypercalls::by_immediate(Call& call, std::uint16_t immediate) noexcept
{
    Arguments in{};
    std::copy_n(call.x.begin(), in.size(), in.begin());
    const Answer out = answer(call, immediate & 0xff, in);
    if (!out.returns)
        return out.after;
    call.x[0] = out.error;
    std::copy(out.output.begin(), out.output.end(), call.x.begin() + 1);
    std::fill(call.x.begin() + 5, call.x.begin() + 8, 0);
    call.x[9] = call.return_address;
    std::fill(call.x.begin() + 10, call.x.end(), 0);
    return out.after;
}

After Hypercalls::by_function(Call& call, unsigned number) noexcept
{
    if (!exists(number)) {
        call.x[0] = kNotSupported;
        return After::GoOn;
    }
    Arguments in{};
    std::copy_n(call.x.begin() + 1, in.size() - 1, in.begin());
    const Answer out = answer(call, number, in);
    if (!out.returns)
        return out.after;
    call.x[0] = out.error;
    std::copy_n(out.output.begin(), kHypercalls[number].outputs, call.x.begin() + 1);
    return out.after;
}

Hypercalls::Answer Hypercalls::answer(const Call& call, unsigned number,
                                      const Arguments& in) noexcept
{
    const Signature& signature = kHypercalls[number];
    if (!reserved_is_right(signature, in) || !flags_are_known(number, in))
        return {kArgumentInvalid};
    switch (number) {
    case HYPERVISOR_IDENTIFY: return identify();
    case PRNG_GET_ENTROPY: return entropy(in[0]);
    case SCHEDULER_YIELD: return yield(in);
    case ADDRSPACE_MODIFY_PAGES: return modify_pages(call.vcpu, in);
    default: break;
    }
    const auto found = cspace_.find(in[0], signature.object, signature.rights);
    if (found.error != kOk)
        return {found.error};
    switch (signature.object) {
    case ObjectType::Thread: return on_thread(call, number, found.index, in);
    case ObjectType::Doorbell: return on_doorbell(number, doorbells_[found.index], in);
    case ObjectType::MessageQueue: {
        const Answer out = on_queue(call, number, queues_[found.index], in);
        if (out.error == kOk)
            on_message_(found.index);
        return out;
    }
    case ObjectType::Any:
    case ObjectType::Other: break;  // no guest has what these ask for
    }
    return {kCapWrongType};
}

/// identify has no error: its first result is in x0.
Hypercalls::Answer Hypercalls::identify() const noexcept
{
    return {kApiInfo, {kFlags0, 0, 0, 0}};
}

Hypercalls::Answer Hypercalls::entropy(std::uint64_t bytes) const noexcept
{
    Answer out;
    if (bytes == 0 || bytes > 16)
        return {kArgumentSize};
    if (bytes % 4 != 0)
        return {kArgumentAlignment};
    for (unsigned n = 0; n < bytes / 4; ++n)
        out.output[n] = bits(random_word(), 0, 32);
    return out;
}

/// Every vCPU has a host thread of its own, so there is nobody to yield to in here.
Hypercalls::Answer Hypercalls::yield(const Arguments& in) const noexcept
{
    if (in[0] > 2)
        return {kArgumentInvalid};
    if (in[0] != kYieldTo)
        return {kOk};
    return {cspace_.find(in[1], ObjectType::Thread, kThreadYieldTo).error};
}

/// (address space, base, size, flags) -> size that is left. Pages that the guest does not have
/// alone are passed over. An address space is no capability that guests find in their devicetree:
/// Linux calls its own 0, which all have [I].
Hypercalls::Answer Hypercalls::modify_pages(unsigned vcpu, const Arguments& in) noexcept
{
    constexpr std::uint64_t kUnlock = 1;
    constexpr std::uint64_t kSanitise = 2;
    constexpr std::uint64_t kFlush = 4;
    constexpr std::uint64_t kNoSync = 1u << 31;
    const auto [space, base, size, flags] = std::array{in[0], in[1], in[2], in[3]};
    if ((flags & ~(kUnlock | kSanitise | kFlush | kNoSync)) != 0)
        return {kArgumentInvalid, {size}};
    if (space != 0)
        return {cspace_.find(space, ObjectType::Other, 0).error, {size}};
    if (size != 0 && base + (size - 1) < base)
        return {kAddressOverflow, {size}};
    if (!is_aligned(base | size, 0x1000))
        return {kArgumentAlignment, {size}};
    const PageChange change{{Gpa{base}, size}, (flags & kUnlock) != 0, (flags & kSanitise) != 0};
    if (size == 0 || (!change.unlock && !change.sanitise))
        return {kOk};
    if (!modifier_->modify_pages(vcpu, change))
        return {kDenied, {size}};
    return {.after = After::Leave};
}

Hypercalls::Answer Hypercalls::on_thread(const Call& call, unsigned number, unsigned vcpu,
                                         const Arguments& in) noexcept
{
    if (number == VCPU_POWERON) {
        Start start;
        if ((in[3] & kKeepEntry) == 0)
            start.entry = in[1];
        if ((in[3] & kKeepContext) == 0)
            start.argument = in[2];
        return {power_.turn_on(vcpu, start) ? kOk : kBusy};
    }
    if (number != VCPU_POWEROFF)
        return {kCapRights};  // nothing else goes with the right to power
    if (vcpu != call.vcpu)
        return {kArgumentInvalid};
    // Without PSCI there is no power management group, so each vCPU is the last one of its own.
    if ((in[1] & kLastVcpu) == 0)
        return {kDenied};
    power_.turn_off(vcpu);
    return {.after = After::Leave, .returns = false};
}

Hypercalls::Answer Hypercalls::on_doorbell(unsigned number, Doorbell& bell,
                                           const Arguments& in) noexcept
{
    switch (number) {
    case DOORBELL_SEND:
    case DOORBELL_RECEIVE:
        if (in[1] == 0)
            return {kArgumentInvalid};
        return {kOk, {number == DOORBELL_SEND ? bell.send(in[1]) : bell.receive(in[1])}};
    case DOORBELL_RESET: bell.reset(); return {kOk};
    case DOORBELL_MASK: bell.mask(in[1], in[2]); return {kOk};
    default: return {kCapRights};  // binding, which its owner does
    }
}

/// Thresholds and delays have 32 bits.
Hypercalls::Answer Hypercalls::on_queue(const Call& call, unsigned number, MessageQueue& queue,
                                        const Arguments& in) noexcept
{
    const auto threshold = static_cast<std::uint32_t>(in[1]);
    const auto delay = static_cast<std::uint32_t>(in[2]);
    switch (number) {
    case MSGQUEUE_SEND: {
        const auto sent = queue.send(in[1], call.memory, in[2], (in[3] & kPush) != 0);
        return {sent.error, {sent.not_full}};
    }
    case MSGQUEUE_RECEIVE: {
        const auto received = queue.receive(call.memory, in[1], in[2]);
        return {received.error, {received.size, received.not_empty}};
    }
    case MSGQUEUE_FLUSH: queue.flush(); return {kOk};
    case MSGQUEUE_CONFIGURE_SEND: return {queue.configure_send(threshold, delay)};
    case MSGQUEUE_CONFIGURE_RECEIVE: return {queue.configure_receive(threshold, delay)};
    default: return {kCapRights};  // binding
    }
}

}  // namespace gh::hyp
