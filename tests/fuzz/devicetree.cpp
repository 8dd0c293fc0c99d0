// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: a devicetree from START's point of view (the Resource Manager reads, refuses or
// patches it and makes the VM) and from a person's (linter, source).
#include "base/error.h"
#include "base/log.h"
#include "base/mapping.h"
#include "emulator/rm/resource_manager.h"
#include "fdt/dts.h"
#include "fdt/lint.h"

#include <algorithm>
#include <cstring>

#include <sys/mman.h>

namespace {

using gh::Gpa;
using gh::fdt::Bytes;

constexpr std::uint64_t kSize = 4ull << 20;
constexpr std::uint64_t kTreeAt = 2ull << 20;  // in memory
constexpr std::uint64_t kTreeSize = 64ull << 10;

void read_as_person(Bytes blob)
{
    for (const auto& finding : gh::fdt::lint(blob, {}))
        GH_CHECK(!gh::fdt::to_string(finding).empty());
    try {
        GH_CHECK(!gh::fdt::to_dts(blob).empty());
    } catch (const gh::Error&) {
        // No tree: the person is told.
    }
}

void start(Bytes blob, std::span<std::byte> memory)
{
    const auto region = memory.subspan(kTreeAt, kTreeSize);
    std::ranges::fill(region, std::byte{0});
    std::memcpy(region.data(), blob.data(), std::min(blob.size(), region.size()));

    gh::rm::Vm vm{gh::rm::kVmidFirst, {.engine = gh::hyp::Engine::Interpreter}};
    gh::rm::ImageConfig image;
    image.parcels.push_back({.at = Gpa{0x8000'0000}, .size = kSize});
    image.dtb_offset = kTreeAt;
    image.dtb_size = region.size();
    if (vm.configure(std::move(image)) != gh::rm::Error::Ok ||
        vm.init({region.begin(), region.end()}) != gh::rm::Error::Ok)
        return;
    const std::array pieces{gh::rm::HostPiece{.host = memory, .host_writable = true}};
    if (vm.start(pieces, [](const gh::hyp::VmExit&) {}) != gh::rm::Error::Ok)
        return;
    // What the guest finds is a tree, whatever it was made of.
    GH_CHECK(gh::fdt::View::open(region).has_value());
    vm.stop();
    GH_CHECK(vm.reset() == gh::rm::Error::Ok);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const gh::Mapping memory{"fuzzed memory", kSize, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS};
    gh::set_log_level(gh::LogLevel::Error);
    const auto blob = std::as_bytes(std::span(data, size));
    read_as_person(blob);
    start(blob, {memory.data(), kSize});
    return 0;
}
