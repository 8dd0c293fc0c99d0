// SPDX-License-Identifier: BSD-3-Clause
#include "machine/perf_map.h"

#include "base/error.h"
#include "base/log.h"

#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace gh::machine {

PerfMap::PerfMap()
{
    const std::string path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
    // Everybody may write to /tmp: take nothing that lies there already.
    (void)::unlink(path.c_str());
    file_ = Fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600)};
    if (!file_)
        log(LogLevel::Warn, "no map for perf: open %s: %s", path.c_str(),
            errno_text(errno).c_str());
}

void PerfMap::add(std::uintptr_t at, std::size_t size, const std::string& name) noexcept
{
    if (!file_ || lines_.fetch_add(1, std::memory_order_relaxed) >= kMostLines)
        return;
    std::array<char, 40> range{};
    (void)std::snprintf(range.data(), range.size(), "%llx %zx ",
                        static_cast<unsigned long long>(at), size);
    const std::string line = range.data() + name + "\n";
    [[maybe_unused]] const auto written = ::write(file_.get(), line.data(), line.size());
}

}  // namespace gh::machine
