// SPDX-License-Identifier: BSD-3-Clause
#include "base/log.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdio>

#include <unistd.h>

namespace gh {
namespace {

std::atomic<LogLevel> g_level{LogLevel::Warn};

}  // namespace

void set_log_level(LogLevel level) noexcept
{
    g_level.store(level, std::memory_order_relaxed);
}

bool log_enabled(LogLevel level) noexcept
{
    return level <= g_level.load(std::memory_order_relaxed);
}

void log(LogLevel level, const char* format, ...) noexcept
{
    if (!log_enabled(level))
        return;
    constexpr std::array kPrefix{"gh-vmm: error: ", "gh-vmm: warning: ", "gh-vmm: ", "gh-vmm: "};
    std::array<char, 1024> line{};
    auto used = static_cast<std::size_t>(
        std::snprintf(line.data(), line.size(), "%s", kPrefix.at(static_cast<std::size_t>(level))));
    std::va_list arguments;
    va_start(arguments, format);
    const int more = std::vsnprintf(line.data() + used, line.size() - used - 1, format, arguments);
    va_end(arguments);
    if (more > 0)
        used += static_cast<std::size_t>(more);
    if (used > line.size() - 2)
        used = line.size() - 2;
    // What a guest or another program named may not speak to the terminal.
    std::replace_if(
        line.begin(), line.begin() + static_cast<std::ptrdiff_t>(used),
        [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
    line.at(used) = '\n';
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), used + 1);
}

}  // namespace gh
