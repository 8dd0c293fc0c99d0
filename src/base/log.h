// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>

namespace gh {

/// error: what the user asked for failed. notice: what everybody wants to know, once (why the VM
/// ended). warn: odd but survivable. info: rare changes of state (-v). debug: everything (-vv).
enum class LogLevel { Error, Notice, Warn, Info, Debug };

/// Text: "gh-vmm: warning: MESSAGE". Json: {"time": "...Z", "level": "warning", "message": "..."},
/// of ASCII alone.
enum class LogFormat { Text, Json };

/// Lines above this level are dropped. Warn until somebody says otherwise.
void set_log_level(LogLevel level) noexcept;
/// Text until somebody says otherwise.
void set_log_format(LogFormat format) noexcept;
[[nodiscard]] bool log_enabled(LogLevel level) noexcept;

/// One line to stderr in a single write. Any thread.
[[gnu::format(printf, 2, 3)]] void log(LogLevel level, const char* format, ...) noexcept;

}  // namespace gh

/// For lines that a guest can cause: each place speaks once, so that no guest fills a disk.
#define GH_LOG_ONCE(level, ...)                              \
    do {                                                     \
        static std::atomic<bool> said{false};                \
        if (!said.exchange(true, std::memory_order_relaxed)) \
            ::gh::log(level, __VA_ARGS__);                   \
    } while (false)
