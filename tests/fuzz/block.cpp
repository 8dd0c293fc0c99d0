// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: a disk behind its transport.
#include "devices/virtio/block.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "virtio_driver.h"

#include <string>

#include <sys/stat.h>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kImage = 64 << 10;

const Fd& image()
{
    static const Fd fd = make_memfd("fuzz-disk", kImage);
    return fd;
}

class BlockDriver final : public FuzzDriver {
public:
    using FuzzDriver::FuzzDriver;

private:
    static constexpr std::uint64_t kHeader = kData + 0x2000;

    [[nodiscard]] unsigned own_steps() const override { return 1; }
    /// A request that is well formed, in descriptors 0 to 2.
    void own_step(unsigned) override
    {
        ram_.put(kHeader, static_cast<std::uint32_t>(input_.number(1)));
        ram_.put(kHeader + 8, input_.number(1));
        const auto size = static_cast<std::uint32_t>(input_.number(2));
        const auto flags = static_cast<std::uint16_t>(kNext | (input_.number(1) % 2 * kWrite));
        Ring& ring = rings_[0];
        ring.describe(0, kHeader, 16, kNext, 1);
        ring.describe(1, kData + 0x4000, size, flags, 2);
        ring.describe(2, kHeader + 64, 1, kWrite);
        ring.offer(0);
    }
};

}  // namespace
}  // namespace gh::virtio

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace gh::virtio;
    gh::set_log_level(gh::LogLevel::Error);
    gh::test::Input input{{data, size}};
    {
        const Ram ram;
        Block block{{.name = "disk0",
                     .serial = "fuzz",
                     .queues = 1,
                     .image = {.path = "/proc/self/fd/" + std::to_string(image().get())}}};
        BlockDriver(block, ram, input).run();
    }
    struct stat status {};
    GH_CHECK(::fstat(image().get(), &status) == 0);
    GH_CHECK(static_cast<std::uint64_t>(status.st_size) == kImage);
    return 0;
}
