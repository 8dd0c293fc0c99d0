// SPDX-License-Identifier: BSD-3-Clause
#include "base/log.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string_view>

#include <time.h>
#include <unistd.h>

namespace gh {
namespace {

std::atomic<LogLevel> g_level{LogLevel::Warn};
std::atomic<LogFormat> g_format{LogFormat::Text};

constexpr std::size_t kLongest = 1000;  // bytes of a message

/// A line that is put together without allocating: what does not fit is cut off.
class Line {
public:
    void add(char c)
    {
        if (used_ < bytes_.size() - 1)
            bytes_.at(used_++) = c;
    }
    void add(std::string_view text)
    {
        for (const char c : text)
            add(c);
    }
    void write() noexcept
    {
        bytes_.at(used_++) = '\n';
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, bytes_.data(), used_);
    }

private:
    std::array<char, 2 * kLongest + 128> bytes_{};
    std::size_t used_ = 0;
};

void add_time(Line& line)
{
    timespec now{};
    (void)::clock_gettime(CLOCK_REALTIME, &now);
    tm utc{};
    (void)::gmtime_r(&now.tv_sec, &utc);
    std::array<char, 32> date{};
    (void)::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    std::array<char, 16> fraction{};
    (void)std::snprintf(fraction.data(), fraction.size(), ".%03dZ",
                        static_cast<int>(now.tv_nsec / 1'000'000));
    line.add(date.data());
    line.add(fraction.data());
}

void write_text(LogLevel level, std::string_view message)
{
    constexpr std::array kPrefix{
        "gh-vmm: error: ", "gh-vmm: ", "gh-vmm: warning: ", "gh-vmm: ", "gh-vmm: "};
    Line line;
    line.add(kPrefix.at(static_cast<std::size_t>(level)));
    line.add(message);
    line.write();
}

void write_json(LogLevel level, std::string_view message)
{
    constexpr std::array kNames{"error", "notice", "warning", "info", "debug"};
    Line line;
    line.add(R"({"time":")");
    add_time(line);
    line.add(R"(","level":")");
    line.add(kNames.at(static_cast<std::size_t>(level)));
    line.add(R"(","message":")");
    for (const char c : message) {
        if (c == '"' || c == '\\')
            line.add('\\');
        line.add(static_cast<unsigned char>(c) < 0x80 ? c : '?');
    }
    line.add("\"}");
    line.write();
}

}  // namespace

void set_log_level(LogLevel level) noexcept
{
    g_level.store(level, std::memory_order_relaxed);
}

void set_log_format(LogFormat format) noexcept
{
    g_format.store(format, std::memory_order_relaxed);
}

bool log_enabled(LogLevel level) noexcept
{
    return level <= g_level.load(std::memory_order_relaxed);
}

void log(LogLevel level, const char* format, ...) noexcept
{
    if (!log_enabled(level))
        return;
    std::array<char, kLongest> bytes{};
    std::va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(bytes.data(), bytes.size(), format, arguments);
    va_end(arguments);
    const auto used = static_cast<std::size_t>(std::max(length, 0));
    const std::span text(bytes.data(), std::min(used, bytes.size() - 1));
    make_printable(text);
    const std::string_view message(text.data(), text.size());
    if (g_format.load(std::memory_order_relaxed) == LogFormat::Json)
        write_json(level, message);
    else
        write_text(level, message);
}

}  // namespace gh
