// SPDX-License-Identifier: BSD-3-Clause
#include "machine/machine.h"

#include "base/error.h"
#include "base/log.h"
#include "devices/terminal.h"
#include "machine/serial_lines.h"
#include "machine/vcpu_scheduling.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include <unistd.h>

namespace gh::machine {
namespace {

// How long vCPUs may take to come out of RUN once the machine ends, in steps after each of which
// they are interrupted again. A hypervisor was seen that never let one out (real-gunyah.md).
constexpr int kStep = 100;  // milliseconds
constexpr int kSteps = 30;

std::string name_of(const MemoryRegion& region, const Plan& plan)
{
    if (region.base() == plan.ram().at)
        return "RAM";
    return "the region with label " + std::to_string(region.label());
}

// Pages of the kernel's file may serve as guest memory only where nobody pins or lends them, and
// where no other process, a folder's, maps the memory's own file.
boot::Placing placing(const config::Vm& vm, const Plan& plan, bool emulated)
{
    const bool shared = plan.regions.front().sharing == Sharing::Share;
    return emulated && shared && vm.folders.empty() ? boot::Placing::Map : boot::Placing::Copy;
}

}  // namespace

Machine::Machine(const config::Vm& vm, Plan plan, OpenedVm opened, HostParts& parts,
                 const std::function<void()>& opened_all)
    : config_(vm),
      plan_(std::move(plan)),
      memory_(plan_.regions),
      serial_(make_serial_lines(vm.serial, poller_, keyboard_end())),
      virtio_(vm, {.io = poller_,
                   .end = keyboard_end(),
                   .memory = dma_,
                   .parts = parts,
                   .releases_memory = opened.emulated}),
      platform_(vm, poller_, ending_),
      vm_(std::move(opened.vm)),
      io_(ending_),
      vcpu_threads_(ending_)
{
    load_images(plan_, memory_, placing(vm, plan_, opened.emulated));
    give_memory();
    opened_all();
    for (unsigned id = 0; id < plan_.cpus; ++id)
        vcpus_.push_back(vm_.add_vcpu(id));
    attach_devices();
    place_boot();
    if (!vm.boot.ready.empty())
        serial_.at(0)->backend().link().watch_for(vm.boot.ready, ready_);
}

Machine::~Machine()
{
    companion_.reset();
    ending_.request({kHostError, "taken down"});  // for the way out by an exception
    stop_vcpus();
    virtio_.stop();
    poller_.stop();
}

std::function<void()> Machine::keyboard_end()
{
    return [this] { ending_.request({kPoweredOff, "ended from the keyboard (Ctrl-A x)", true}); };
}

void Machine::give_memory()
{
    for (const MemoryRegion& region : memory_.regions()) {
        const gunyah::SharedMemory shared = vm_.give({.name = name_of(region, plan_),
                                                      .label = region.label(),
                                                      .at = region.base(),
                                                      .host = region.host(),
                                                      .read = region.access().read,
                                                      .write = region.access().write,
                                                      .execute = region.access().execute,
                                                      .lend = region.sharing() == Sharing::Lend});
        if (shared.host.empty())
            continue;
        const bool ours = shared.host.data() == region.host().data();
        dma_.add({.base = region.base(),
                  .host = shared.host,
                  .writable = region.access().write,
                  .fd = ours ? region.fd() : shared.fd,
                  .offset = ours ? region.offset() : 0});
    }
}

// A doorbell's label is its device's SPI: so the plan writes them into the devicetree.
void Machine::attach_devices()
{
    GH_CHECK(plan_.devices.size() >= serial_.size() + virtio_.size());
    for (std::size_t i = 0; i < serial_.size(); ++i) {
        const auto& place = plan_.devices.at(i);
        SerialPort& port = *serial_.at(i);
        bus_.attach("serial" + std::to_string(i), Gpa{place.registers.base}, Uart16550a::kSize,
                    port.uart());
        if (place.spi)
            vm_.add_irqfd(*place.spi, port.irq().event());
    }
    virtio_.attach(std::span(plan_.devices).subspan(serial_.size()), bus_, vm_);
    for (const auto& place : plan_.devices) {
        const auto part = platform_.find(place.name);
        if (!part)
            continue;
        bus_.attach(place.name, Gpa{place.registers.base}, place.registers.size, *part->device);
        if (place.spi)
            vm_.add_irqfd(*place.spi, part->irq->event());
    }
}

bool Machine::press_power_button() noexcept
{
    PowerButton* const button = platform_.power_button();
    return button != nullptr && button->press();
}

void Machine::place_boot()
{
    const auto& placement = plan_.placement;
    vm_.set_dtb(placement.dtb.at, placement.dtb.size);
    if (vm_.abi().boot_context)
        vm_.set_boot_context(placement.entry, raw(placement.dtb.at));
    else if (placement.entry_by == boot::EntryBy::Context)
        throw Error(std::string("the kernel (") + vm_.abi().name +
                    ") starts a VM at the first byte of RAM only, and this guest's entry is out "
                    "of a branch's reach from there: give the image an address closer to "
                    "memory.base");
}

void Machine::start()
{
    vm_.start();
    log(LogLevel::Info, "started on %s", vm_.abi().name);
    io_.start("io", [this] { poller_.run(); });
    for (const auto& vcpu : vcpus_)
        loops_.push_back(std::make_unique<VcpuLoop>(*vcpu, bus_, memory_, ending_));
    for (const auto& vcpu : vcpus_)
        vcpu_threads_.start("vcpu-" + std::to_string(vcpu->id()), [this, id = vcpu->id()] {
            schedule_vcpu_thread(config_.cpus, id);
            loops_.at(id)->run();
        });
}

Outcome Machine::finish()
{
    stop_vcpus();
    virtio_.stop();
    poller_.stop();
    io_.join();
    for (const auto& port : serial_)
        port->drain();
    virtio_.drain();
    return ending_.outcome();
}

bool Machine::pause()
{
    constexpr auto kRound = std::chrono::milliseconds(2);
    constexpr int kRounds = 1500;
    const auto held = [](const auto& loop) { return loop->held(); };
    for (const auto& loop : loops_)
        loop->hold();
    for (int round = 0; round < kRounds && !ending_.requested(); ++round) {
        if (std::all_of(loops_.begin(), loops_.end(), held)) {
            platform_.hold_watchdog(PlatformDevices::Standstill::Paused);
            return true;
        }
        for (const auto& loop : loops_)
            loop->nudge();
        std::this_thread::sleep_for(kRound);
    }
    resume();
    return false;
}

void Machine::resume()
{
    platform_.release_watchdog(PlatformDevices::Standstill::Paused);
    for (const auto& loop : loops_)
        loop->release();
}

void Machine::debugger_holds(bool held) noexcept
{
    using Standstill = PlatformDevices::Standstill;
    held ? platform_.hold_watchdog(Standstill::Debugged)
         : platform_.release_watchdog(Standstill::Debugged);
}

bool Machine::set_balloon(std::uint64_t bytes)
{
    return virtio_.set_balloon(bytes);
}

void Machine::terminal_resized() noexcept
{
    virtio_.look_at_terminal();
}

void Machine::describe(control::Status& status) const
{
    status.hypervisor = vm_.abi().name;
    status.memory = plan_.ram().size;
    for (const auto& loop : loops_)
        status.vcpus.push_back({.mmio_reads = loop->counters().mmio_reads,
                                .mmio_writes = loop->counters().mmio_writes,
                                .page_faults = loop->counters().page_faults,
                                .interrupted = loop->counters().interrupted,
                                .cpu_seconds = loop->cpu_seconds()});
    for (std::size_t i = 0; i < serial_.size(); ++i) {
        auto& line = status.consoles.emplace_back(console_status(
            "ttyS" + std::to_string(i), config_.serial.at(i).type, serial_[i]->backend()));
        status.devices.push_back({.name = "serial" + std::to_string(i),
                                  .interrupts = serial_[i]->irq().pulses(),
                                  .sent = line.sent,
                                  .received = line.received});
    }
    virtio_.describe(status, config_.console);
}

void Machine::stop_vcpus()
{
    resume();  // who is held would not see the ending
    bool stopped = vcpu_threads_.wait(0);
    for (int step = 0; !stopped && step < kSteps; ++step) {
        for (const auto& vcpu : vcpus_)
            vcpu->interrupt();
        stopped = vcpu_threads_.wait(kStep);
    }
    if (!stopped)
        give_up();
    vcpu_threads_.join();
}

// The kernel holds a vCPU's thread for good, so nothing of ours can be taken down in order; it
// will be by the kernel as the process ends.
void Machine::give_up()
{
    RawTerminal::restore();
    log(LogLevel::Error,
        "a vCPU does not come back from the hypervisor %d seconds after the machine's end; leaving "
        "it to the kernel",
        kStep * kSteps / 1000);
    int code = kHostError;
    try {
        code = ending_.outcome().code;
    } catch (const std::exception& error) {
        log(LogLevel::Error, "%s", error.what());
    }
    ::_exit(code);
}

}  // namespace gh::machine
