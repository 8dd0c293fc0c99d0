// SPDX-License-Identifier: BSD-3-Clause
#include "../boot/fake_image.h"
#include "config/parse.h"
#include "fdt/dts.h"
#include "machine/plan.h"

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace gh;

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = GH_SOURCE_DIR;

std::string text_of(const fs::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

/// The tree of a configuration, with images of sizes that do not change from one host to the next.
std::string tree_of(const fs::path& config)
{
    const TemporaryFile kernel(fake_image(0x1'0000, 0x200'0000));
    const TemporaryFile initrd(std::uint64_t{0x12'3456});
    auto vm = config::load(config, {}, config::Files::Trust);
    vm.kernel.path = kernel.path();
    vm.initrd = initrd.path();
    return fdt::to_dts(machine::make_plan(vm).dtb);
}

}  // namespace

TEST_CASE("every configuration in configs/ gives the tree in dts/")
{
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(kRoot / "configs")) {
        if (entry.path().extension() != ".json")
            continue;
        const fs::path expected = kRoot / "dts" / entry.path().stem().concat(".dts");
        CAPTURE(expected.string());
        const std::string tree = tree_of(entry.path());
        if (std::getenv("GH_UPDATE_DTS") != nullptr)
            std::ofstream(expected) << tree;
        CHECK(text_of(expected) == tree);
        count++;
    }
    CHECK(count > 0);
}
