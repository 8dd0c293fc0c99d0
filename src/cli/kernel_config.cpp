// SPDX-License-Identifier: BSD-3-Clause
#include "cli/kernel_config.h"

#include "base/error.h"
#include "boot/decompress.h"

#include <fstream>
#include <sstream>

namespace gh::cli {
namespace {

constexpr std::size_t kLargest = 4 << 20;  // as text; real ones are some 300 KiB

std::string read_file(const std::string& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

}  // namespace

std::string kernel_config(const std::string& release, const std::string& root)
{
    const std::string packed = read_file(root + "/proc/config.gz");
    if (packed.empty())
        return read_file(root + "/boot/config-" + release);
    std::string text(kLargest, '\0');
    try {
        text.resize(boot::decompress(boot::Packing::Gzip, std::as_bytes(std::span(packed)),
                                     std::as_writable_bytes(std::span(text)),
                                     boot::WhenFull::Stop));
    } catch (const Error&) {
        text.clear();  // damaged: as good as none
    }
    return text;
}

}  // namespace gh::cli
