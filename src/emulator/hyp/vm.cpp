// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/vm.h"

#include "base/error.h"
#include "emulator/cpu/cluster.h"
#include "emulator/cpu/platform.h"
#include "emulator/hyp/address_space.h"
#include "emulator/hyp/alarm.h"
#include "emulator/hyp/debugger.h"
#include "emulator/hyp/doorbell.h"
#include "emulator/hyp/entropy.h"
#include "emulator/hyp/generic_timer.h"
#include "emulator/hyp/gic.h"
#include "emulator/hyp/hypercalls.h"
#include "emulator/hyp/message_queue.h"
#include "emulator/hyp/power.h"
#include "emulator/hyp/psci.h"
#include "emulator/hyp/scheduler.h"
#include "emulator/hyp/smccc.h"
#include "emulator/hyp/vcpu.h"

#include <deque>

namespace gh::hyp {

namespace {

constexpr std::size_t kMaxVcpus = 8;
constexpr std::uint16_t kStopForced = 7;

std::size_t objects(const VmConfig& config, ObjectType type)
{
    switch (type) {
    case ObjectType::Thread: return config.vcpus.size();
    case ObjectType::Doorbell: return config.doorbells.size();
    case ObjectType::MessageQueue: return config.message_queues.size();
    case ObjectType::Any:
    case ObjectType::Other: break;
    }
    return 0;
}

const VmConfig& checked(const VmConfig& config)
{
    GH_CHECK(!config.vcpus.empty() && config.vcpus.size() <= kMaxVcpus);
    for (const DoorbellConfig& bell : config.doorbells)
        GH_CHECK(bell.intid == 0 || (bell.intid >= kFirstSpi && bell.intid < kSpiEnd));
    for (const MessageQueueConfig& queue : config.message_queues)
        GH_CHECK(queue.intid >= kFirstSpi && queue.intid < kSpiEnd && queue.depth > 0);
    for (const Capability& capability : config.capabilities)
        GH_CHECK(capability.index < objects(config, capability.object));
    return config;
}

std::vector<std::uint64_t> mpidrs(const VmConfig& config)
{
    std::vector<std::uint64_t> all;
    for (const VcpuConfig& vcpu : config.vcpus)
        all.push_back(vcpu.mpidr);
    return all;
}

/// What an EL1 sees of its registers x0..x17, which a call reads and writes.
Call make_call(cpu::Cpu& pe, cpu::Platform& platform)
{
    return {.vcpu = pe.index(),
            .irq = pe.irq(),
            .return_address = pe.state().pc,
            .x = std::span<std::uint64_t, 18>(pe.state().x.data(), 18),
            .memory = {pe.state(), platform}};
}

}  // namespace

/// The VM is its member list; the threads of scheduler and alarm, which call into all others, go
/// first.
struct Vm::Parts final : cpu::Platform, IrqSink, MessageOwner, PageModifier {
    explicit Parts(VmConfig config);
    ~Parts() override;
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    cpu::Page page(std::uint64_t ipa) noexcept override { return memory.page(ipa); }
    cpu::MmioOutcome mmio(cpu::Cpu& pe, cpu::MmioAccess& access) noexcept override;
    bool page_fault(cpu::Cpu& pe, std::uint64_t ipa, cpu::AccessKind kind) noexcept override;
    bool hypervisor_call(cpu::Cpu& pe, bool smc, std::uint16_t immediate) noexcept override;
    bool read_register(cpu::Cpu& pe, std::uint16_t id, std::uint64_t& value) noexcept override;
    bool write_register(cpu::Cpu& pe, std::uint16_t id, std::uint64_t value) noexcept override;
    std::uint64_t random() noexcept override { return random_word(); }
    void set_irq(unsigned pe, bool asserted) noexcept override { vcpus[pe].set_irq(asserted); }
    bool post(unsigned queue, std::span<const std::byte> message) noexcept override
    {
        return queues[queue].post(message);
    }
    std::optional<std::size_t> take(unsigned queue, std::span<std::byte> to) noexcept override
    {
        return queues[queue].take(to);
    }
    void end(const VmExit& exit) noexcept override { power.end(exit); }
    bool modify_pages(unsigned pe, const PageChange& change) noexcept override;

    void count_register(const cpu::Cpu& pe, std::uint16_t id) noexcept;
    void attach_debugger();

    const bool proxy;
    std::shared_ptr<Profiler> profiler;
    std::shared_ptr<Debugger> debugger;
    cpu::Cluster cluster;
    AddressSpace memory;
    Gic gic;
    std::deque<Doorbell> doorbells;
    std::vector<bool> source_can_clear;
    std::deque<MessageQueue> queues;
    std::function<void(MessageOwner&, unsigned)> on_message;
    Power power;
    Psci psci;
    Hypercalls hypercalls;
    Smccc smccc;
    std::deque<Vcpu> vcpus;
    std::deque<GenericTimer> timers;
    Alarm alarm;
    Scheduler scheduler;
};

Vm::Parts::Parts(VmConfig config)
    : proxy(config.proxy),
      profiler(config.profiler),
      debugger(config.debugger),
      memory(checked(config).ram, config.paging, [this] { cluster.flush_stage2(); }),
      gic(config.gic, mpidrs(config), *this),
      on_message(std::move(config.on_message)),
      power(
          config.vcpus, [this](unsigned n) { vcpus[n].wake(); },
          [this, on_exit = std::move(config.on_exit)](const VmExit& exit) {
              if (debugger)
                  debugger->end();
              if (on_exit)
                  on_exit(exit);
          }),
      psci(power, config.proxy),
      hypercalls({.capabilities = std::move(config.capabilities),
                  .power = power,
                  .doorbells = doorbells,
                  .queues = queues,
                  .on_message =
                      [this](unsigned queue) {
                          if (on_message)
                              on_message(*this, queue);
                      },
                  .modifier = config.paging.on ? this : nullptr}),
      smccc(config.psci ? &psci : nullptr, hypercalls),
      alarm(GenericTimer::kSlots * config.vcpus.size(), [this](std::size_t slot) {
          timers[slot / GenericTimer::kSlots].ring(slot % GenericTimer::kSlots);
      })
{
    if (config.strict_code)
        cluster.watch_code();
    for (const DoorbellConfig& bell : config.doorbells) {
        doorbells.emplace_back(bell.intid, gic);
        source_can_clear.push_back(bell.source_can_clear);
    }
    for (const MessageQueueConfig& queue : config.message_queues)
        queues.emplace_back(queue, gic);
    for (unsigned n = 0; n < config.vcpus.size(); ++n) {
        vcpus.emplace_back(cluster, *this, power, n, config);
        timers.emplace_back(n, gic);
    }
    if (debugger)
        attach_debugger();
    if (!proxy)
        for (Vcpu& vcpu : vcpus)
            scheduler.add(vcpu);
}

void Vm::Parts::attach_debugger()
{
    Debugger::Vm vm{.pes = {}, .platform = this, .cluster = &cluster, .memory = &memory};
    for (Vcpu& vcpu : vcpus)
        vm.pes.push_back(&vcpu.pe());
    debugger->attach(std::move(vm));
}

cpu::MmioOutcome Vm::Parts::mmio(cpu::Cpu& pe, cpu::MmioAccess& access) noexcept
{
    if (gic.owns(access.ipa)) {
        if (VcpuProfile* const profile = vcpus[pe.index()].profile()) {
            auto& device = profile->devices[access.ipa & cpu::kPageMask];
            device.gic = true;
            ++(access.write ? device.writes : device.reads);
        }
        return gic.mmio(pe.index(), access);
    }
    gic.enter(pe.index());
    return memory.is_vmmio(access.ipa) ? cpu::MmioOutcome::Exit : cpu::MmioOutcome::Abort;
}

bool Vm::Parts::page_fault(cpu::Cpu& pe, std::uint64_t ipa, cpu::AccessKind kind) noexcept
{
    if (!memory.is_paged(ipa) || gic.owns(ipa))
        return false;
    gic.enter(pe.index());
    vcpus[pe.index()].set_page_fault(ipa, kind);
    pe.request_exit();
    return true;
}

/// Others may use the pages until they are told, and this PE is in the midst of a call: the vCPU
/// does it before its next instruction.
bool Vm::Parts::modify_pages(unsigned pe, const PageChange& change) noexcept
{
    if (!memory.may_modify(change))
        return false;
    vcpus[pe].defer([this, change] { memory.modify(change); });
    return true;
}

bool Vm::Parts::hypervisor_call(cpu::Cpu& pe, bool smc, std::uint16_t immediate) noexcept
{
    gic.enter(pe.index());
    Call call = make_call(pe, *this);
    if (VcpuProfile* const profile = vcpus[pe.index()].profile())
        ++profile->calls[VcpuProfile::call_key(immediate, call.function())];
    if (smccc.call(call, smc, immediate) == After::Leave)
        pe.request_exit();
    return true;
}

void Vm::Parts::count_register(const cpu::Cpu& pe, std::uint16_t id) noexcept
{
    if (VcpuProfile* const profile = vcpus[pe.index()].profile())
        ++(is_timer_register(id) ? profile->timer_registers : profile->gic_registers);
}

/// Once the PEs run no more, only their vCPUs know it all.
Vm::Parts::~Parts()
{
    scheduler.stop();
    if (debugger)
        debugger->detach();
    if (!profiler)
        return;
    std::vector<std::unique_ptr<VcpuProfile>> profiles;
    for (Vcpu& vcpu : vcpus)
        profiles.push_back(vcpu.finish_profile());
    profiler->ended(std::move(profiles));
}

bool Vm::Parts::read_register(cpu::Cpu& pe, std::uint16_t id, std::uint64_t& value) noexcept
{
    count_register(pe, id);
    return is_timer_register(id) ? timers[pe.index()].read_register(id, value)
                                 : gic.read_register(pe.index(), id, value);
}

bool Vm::Parts::write_register(cpu::Cpu& pe, std::uint16_t id, std::uint64_t value) noexcept
{
    count_register(pe, id);
    return is_timer_register(id) ? timers[pe.index()].write_register(id, value, alarm)
                                 : gic.write_register(pe.index(), id, value);
}

Vm::Vm(VmConfig config) : parts_(std::make_unique<Parts>(std::move(config))) {}
Vm::~Vm() = default;

void Vm::begin() noexcept
{
    parts_->scheduler.begin();
}

bool Vm::schedules() const noexcept
{
    return !parts_->proxy;
}

VcpuRunResult Vm::run(unsigned vcpu, const Resume& resume) noexcept
{
    GH_CHECK(parts_->proxy);
    return parts_->vcpus[vcpu].run(resume);
}

void Vm::wait_for_wakeup(unsigned vcpu) noexcept
{
    parts_->vcpus[vcpu].wait_for_wakeup();
}
void Vm::kick(unsigned vcpu) noexcept
{
    parts_->vcpus[vcpu].kick();
}

void Vm::stop() noexcept
{
    parts_->power.end({.type = kStopForced, .reason_size = 4, .reason = {}});
}

bool Vm::exited() const noexcept
{
    return parts_->power.ended();
}

void Vm::map(const RamRange& range)
{
    parts_->memory.map(range);
}

void Vm::unmap(MemoryRange range)
{
    parts_->memory.unmap(range);
}

bool Vm::has_any(MemoryRange range) const
{
    return parts_->memory.has_any(range);
}

std::uint64_t Vm::doorbell_send(unsigned bell, std::uint64_t flags) noexcept
{
    return parts_->doorbells[bell].send(flags);
}

std::uint64_t Vm::doorbell_receive(unsigned bell, std::uint64_t clear) noexcept
{
    return parts_->doorbells[bell].receive(clear);
}

bool Vm::doorbell_mask(unsigned bell, std::uint64_t enable, std::uint64_t ack) noexcept
{
    if (parts_->source_can_clear[bell])
        parts_->doorbells[bell].mask(enable, ack);
    return parts_->source_can_clear[bell];
}

}  // namespace gh::hyp
