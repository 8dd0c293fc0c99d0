// SPDX-License-Identifier: BSD-3-Clause
#include "machine/machine.h"

#include "base/error.h"
#include "base/log.h"
#include "devices/terminal.h"
#include "machine/serial_lines.h"
#include "machine/vcpu_loop.h"

#include <array>
#include <cstdio>
#include <string>

#include <poll.h>
#include <string.h>
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

// Pages of the kernel's file may serve as guest memory only where nobody pins or lends them.
boot::Placing placing(const Plan& plan, bool emulated)
{
    const bool shared = plan.regions.front().sharing == Sharing::Share;
    return emulated && shared ? boot::Placing::Map : boot::Placing::Copy;
}

}  // namespace

Machine::Machine(const config::Vm& vm, Plan plan, OpenedVm opened, const Signals& signals)
    : signals_(signals),
      plan_(std::move(plan)),
      memory_(plan_.regions),
      serial_(make_serial_lines(
          vm.serial, poller_,
          [this] {
              ending_.request({kPoweredOff, "ended from the keyboard (Ctrl-A x)"});
          })),
      virtio_(vm, dma_),
      platform_(vm, poller_, ending_),
      vm_(std::move(opened.vm)),
      io_(ending_),
      vcpu_threads_(ending_)
{
    load_images(plan_, memory_, placing(plan_, opened.emulated));
    give_memory();
    for (unsigned id = 0; id < plan_.cpus; ++id)
        vcpus_.push_back(vm_.add_vcpu(id));
    attach_devices();
    place_boot();
}

Machine::~Machine()
{
    ending_.request({kHostError, "taken down"});  // for the way out by an exception
    stop_vcpus();
    virtio_.stop();
    poller_.stop();
}

void Machine::give_memory()
{
    for (const MemoryRegion& region : memory_.regions()) {
        const auto shared = vm_.give({.name = name_of(region, plan_),
                                      .label = region.label(),
                                      .at = region.base(),
                                      .host = region.host(),
                                      .read = region.access().read,
                                      .write = region.access().write,
                                      .execute = region.access().execute,
                                      .lend = region.sharing() == Sharing::Lend});
        if (!shared.empty())
            dma_.add({region.base(), shared, region.access().write});
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
    if (button != nullptr)
        button->press();
    return button != nullptr;
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

Outcome Machine::run()
{
    vm_.start();
    log(LogLevel::Info, "started on %s", vm_.abi().name);
    start_threads();
    wait_for_end();
    stop_vcpus();
    virtio_.stop();
    poller_.stop();
    io_.join();
    for (const auto& port : serial_)
        port->drain();
    return ending_.outcome();
}

void Machine::start_threads()
{
    io_.start("io", [this] { poller_.run(); });
    for (const auto& vcpu : vcpus_)
        vcpu_threads_.start("vcpu-" + std::to_string(vcpu->id()), [this, &vcpu = *vcpu] {
            VcpuLoop(vcpu, bus_, memory_, ending_).run();
        });
}

void Machine::wait_for_end()
{
    while (!ending_.requested()) {
        std::array<pollfd, 2> events{pollfd{.fd = signals_.event(), .events = POLLIN, .revents = 0},
                                     pollfd{.fd = ending_.event(), .events = POLLIN, .revents = 0}};
        if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR)
            throw_errno("poll");
        take_signal();
    }
    signals_.force_next();
}

void Machine::take_signal()
{
    const auto signal = signals_.take();
    if (signal == SIGCONT)
        RawTerminal::reapply();
    else if (signal)
        ending_.request({kPoweredOff, std::string("ended by SIG") + ::sigabbrev_np(*signal)});
}

void Machine::stop_vcpus()
{
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
