// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: a disk behind its transport, whose driver does what the input says with registers,
// rings and descriptors. Small steps that a good driver makes are steps here, too, so that inputs
// get far.
#include "devices/virtio/block.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "devices/virtio/mmio_transport.h"
#include "driver.h"
#include "input.h"

#include <string>
#include <thread>

#include <poll.h>
#include <sys/stat.h>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kImage = 64 << 10;
constexpr std::uint16_t kSize = 8;
constexpr std::uint64_t kHeader = Ram::kBase + 0x2'0000;
constexpr std::uint64_t kData = Ram::kBase + 0x3'0000;

const Fd& image()
{
    static const Fd fd = make_memfd("fuzz-disk", kImage);
    return fd;
}

class Driver {
public:
    explicit Driver(test::Input& input) : input_(input) {}

    void step()
    {
        switch (input_.number(1) % 10) {
        case 0: return write(input_.number(2) & 0x1ff, input_.number(4));
        case 1: return read();
        case 2: return put();
        case 3: return set_up();
        case 4: return describe(ring_.descriptors());
        case 5: return describe(kHeader + 0x1000);
        case 6: return ring_.offer(static_cast<std::uint16_t>(input_.number(1)));
        case 7: return kick();
        case 8: return request();
        default: return ring_.set_index(static_cast<std::uint16_t>(input_.number(2)));
        }
    }

private:
    std::uint32_t in(std::uint64_t offset)
    {
        return static_cast<std::uint32_t>(transport_.read({.offset = offset, .size = 4}));
    }
    void write(std::uint64_t offset, std::uint64_t value)
    {
        const unsigned size = offset % 4 == 0 ? 4 : 1;
        transport_.write({.offset = offset, .size = size}, value & 0xffff'ffff);
    }
    void read()
    {
        const unsigned size = 1u << input_.number(1) % 4;
        (void)transport_.read({.offset = (input_.number(2) & 0xfff) / size * size, .size = size});
    }
    void put()
    {
        const std::uint64_t at = Ram::kBase + (input_.number(3) & 0x3'ffff);
        const auto size = static_cast<unsigned>(input_.number(1) % 9);
        ram_.put(at, input_.number(size));
    }
    void set_up()
    {
        for (const auto& [offset, value] :
             {std::pair{0x70, 0ul}, {0x70, 3ul}, {0x24, 1ul}, {0x20, 1ul}, {0x24, 0ul}})
            write(static_cast<std::uint64_t>(offset), value);
        write(0x20, input_.number(4) & block_.features());
        write(0x70, 11);
        write(0x30, 0);
        write(0x38, kSize);
        write(0x80, ring_.descriptors());
        write(0x90, ring_.available());
        write(0xa0, ring_.used());
        write(0x44, 1);
        write(0x70, 15);
        ring_.set_index(0);
    }
    void describe(std::uint64_t table)
    {
        const auto index = static_cast<unsigned>(input_.number(1) % (kSize * 2u));
        std::uint64_t address = Ram::kBase + (input_.number(1) << 12);
        if (input_.number(1) == 0)
            address = input_.number(8);
        const auto length = static_cast<std::uint32_t>(input_.number(2) * (input_.number(1) + 1));
        ring_.describe_in(table, index, address, length,
                          static_cast<std::uint16_t>(input_.number(1)),
                          static_cast<std::uint16_t>(input_.number(1)));
    }
    /// A request that is well formed, in descriptors 0 to 2.
    void request()
    {
        ram_.put(kHeader, static_cast<std::uint32_t>(input_.number(1)));
        ram_.put(kHeader + 8, input_.number(1));
        const auto size = static_cast<std::uint32_t>(input_.number(2));
        const auto flags = static_cast<std::uint16_t>(kNext | (input_.number(1) % 2 * kWrite));
        ring_.describe(0, kHeader, 16, kNext, 1);
        ring_.describe(1, kData, size, flags, 2);
        ring_.describe(2, kHeader + 64, 1, kWrite);
        ring_.offer(0);
    }
    /// Waits until the device has seen it, so that inputs mean the same each time.
    void kick()
    {
        write(0x50, 0);
        write(0x30, 0);
        while ((in(0x70) & (4 | 64)) == 4 && in(0x44) == 1 && is_kicked())
            std::this_thread::yield();
    }
    [[nodiscard]] bool is_kicked()
    {
        pollfd event{.fd = transport_.kicks()[0].get(), .events = POLLIN, .revents = 0};
        return ::poll(&event, 1, 0) == 1;
    }

    test::Input& input_;
    Ram ram_;
    Ring ring_{ram_, kSize};
    Block block_{{.name = "disk0",
                  .serial = "fuzz",
                  .queues = 1,
                  .image = {.path = "/proc/self/fd/" + std::to_string(image().get())}}};
    MmioTransport transport_{block_, ram_.memory(), {}};
};

}  // namespace
}  // namespace gh::virtio

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    gh::set_log_level(gh::LogLevel::Error);
    gh::test::Input input{{data, size}};
    {
        gh::virtio::Driver driver{input};
        while (!input.used_up())
            driver.step();
    }
    struct stat status {};
    GH_CHECK(::fstat(gh::virtio::image().get(), &status) == 0);
    GH_CHECK(static_cast<std::uint64_t>(status.st_size) == gh::virtio::kImage);
    return 0;
}
