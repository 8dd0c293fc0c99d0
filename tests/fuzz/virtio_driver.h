// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/mmio_transport.h"
#include "driver.h"
#include "input.h"

#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <poll.h>

namespace gh::virtio {

/// The driver of any device, which does what the input says with registers, rings and descriptors.
/// Small steps that a good driver makes are steps here, too, so that inputs get far; a device may
/// add some of its own.
class FuzzDriver {
public:
    static constexpr std::uint16_t kSize = 8;
    static constexpr std::uint64_t kData = Ram::kBase + 0x2'0000;
    static constexpr std::uint64_t kIndirectTable = Ram::kBase + 0x3'0000;

    FuzzDriver(VirtioDevice& device, const Ram& ram, test::Input& input)
        : device_(device), ram_(ram), input_(input), transport_(device, ram.memory(), {})
    {
        for (unsigned queue = 0; queue < device.queue_sizes().size(); ++queue)
            rings_.emplace_back(ram, kSize, Ram::kBase + queue * 0x200u);
    }
    FuzzDriver(const FuzzDriver&) = delete;
    FuzzDriver& operator=(const FuzzDriver&) = delete;
    virtual ~FuzzDriver() = default;

    void run()
    {
        while (!input_.used_up())
            step();
    }

protected:
    /// How many steps there are for this device alone, and one of them.
    [[nodiscard]] virtual unsigned own_steps() const { return 0; }
    virtual void own_step(unsigned /*which*/) {}

    void step()
    {
        constexpr unsigned kSteps = 11;
        const auto which = static_cast<unsigned>(input_.number(1) % (kSteps + own_steps()));
        switch (which) {
        case 0: return write(input_.number(2) & 0x1ff, input_.number(4));
        case 1: return read();
        case 2: return put();
        case 3: return set_up();
        case 4: return describe(rings_[any_queue()].descriptors());
        case 5: return kick(any_queue());
        case 6: return offer(false);
        case 7: return offer(true);
        case 8: return rings_[any_queue()].set_index(static_cast<std::uint16_t>(input_.number(2)));
        case 9: return describe(kIndirectTable);
        case 10: return rings_[any_queue()].offer(static_cast<std::uint16_t>(input_.number(1)));
        default: return own_step(which - kSteps);
        }
    }

    unsigned any_queue() { return static_cast<unsigned>(input_.number(1) % rings_.size()); }
    std::uint32_t in(std::uint64_t offset)
    {
        const std::scoped_lock lock(transport_.door());
        return static_cast<std::uint32_t>(transport_.read({.offset = offset, .size = 4}));
    }
    void write(std::uint64_t offset, std::uint64_t value)
    {
        const std::scoped_lock lock(transport_.door());
        const unsigned size = offset % 4 == 0 ? 4 : 1;
        transport_.write({.offset = offset, .size = size}, value & 0xffff'ffff);
    }
    void read()
    {
        const unsigned size = 1u << input_.number(1) % 4;
        const std::scoped_lock lock(transport_.door());
        (void)transport_.read({.offset = (input_.number(2) & 0xfff) / size * size, .size = size});
    }
    void put()
    {
        const auto size = static_cast<unsigned>(input_.number(1) % 9);
        ram_.put(Ram::kBase + (input_.number(3) & 0x3'ffff), input_.number(size));
    }
    void set_up()
    {
        for (const auto& [offset, value] :
             {std::pair{0x70u, 0u}, {0x70, 3}, {0x24, 1}, {0x20, 1}, {0x24, 0}})
            write(offset, value);
        write(0x20, input_.number(4) & device_.features());
        write(0x70, 11);
        for (unsigned queue = 0; queue < rings_.size(); ++queue) {
            rings_[queue].set_index(0);
            write(0x30, queue);
            write(0x38, kSize);
            write(0x80, rings_[queue].descriptors());
            write(0x90, rings_[queue].available());
            write(0xa0, rings_[queue].used());
            write(0x44, 1);
        }
        write(0x70, 15);
    }
    void describe(std::uint64_t table)
    {
        std::uint64_t address = Ram::kBase + (input_.number(1) << 12);
        if (input_.number(1) == 0)
            address = input_.number(8);
        const auto length = static_cast<std::uint32_t>(input_.number(2) * (input_.number(1) + 1));
        const auto index = static_cast<unsigned>(input_.number(1) % (kSize * 2u));
        const auto flags = static_cast<std::uint16_t>(input_.number(1));
        rings_[0].describe_in(table, index, address, length, flags,
                              static_cast<std::uint16_t>(input_.number(1)));
    }
    /// A buffer that is well formed, with the input's bytes in it where the device reads.
    void offer(bool writable)
    {
        const unsigned queue = any_queue();
        const auto size = static_cast<std::uint32_t>(input_.number(1) % 128 + 1);
        const auto head = static_cast<std::uint16_t>(input_.number(1) % kSize);
        const std::uint64_t at = kData + head * 0x1000u;
        for (std::uint32_t i = 0; i < size && !writable; ++i)
            ram_.put(at + i, static_cast<std::uint8_t>(input_.number(1)));
        rings_[queue].describe(head, at, size, writable ? kWrite : std::uint16_t{0});
        rings_[queue].offer(head);
        kick(queue);
    }
    /// Waits until the device has seen it, so that inputs mean the same each time.
    void kick(unsigned queue)
    {
        write(0x50, queue);
        write(0x30, queue);
        for (int i = 0; i < 1000 && (in(0x70) & (4 | 64)) == 4 && in(0x44) == 1 && is_kicked(queue);
             ++i)
            std::this_thread::yield();
    }
    [[nodiscard]] bool is_kicked(unsigned queue)
    {
        pollfd event{.fd = transport_.kicks()[queue].get(), .events = POLLIN, .revents = 0};
        return ::poll(&event, 1, 0) == 1;
    }

    VirtioDevice& device_;
    const Ram& ram_;
    test::Input& input_;
    MmioTransport transport_;
    std::deque<Ring> rings_;
};

inline void drive(VirtioDevice& device, const Ram& ram, test::Input& input)
{
    FuzzDriver(device, ram, input).run();
}

}  // namespace gh::virtio
