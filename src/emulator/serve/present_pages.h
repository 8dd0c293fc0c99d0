// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "emulator/serve/process.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace gh::serve {

/// Which pages of an anonymous mapping hold anything; all of them if that cannot be told.
class PresentPages {
public:
    PresentPages(pid_t thread, const Vma& vma)
        : page_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))),
          first_(vma.start / page_),
          count_((vma.end - vma.start) / page_)
    {
        const std::string path = "/proc/" + std::to_string(thread) + "/pagemap";
        if (vma.inode == 0)
            pagemap_ = Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    }
    /// Calls body(offset, size) for each run of such pages, in pieces of at most 1 MiB. A mapping
    /// may be larger than all memory: no more than a piece of the pagemap is held.
    template <class F>
    bool for_each(F&& body) const
    {
        std::vector<std::uint64_t> entries;
        for (std::uint64_t at = 0; at < count_; at += entries.size()) {
            entries.resize(std::min<std::uint64_t>(kEntries, count_ - at));
            read(at, entries);
            for (std::size_t i = 0; i < entries.size();) {
                std::size_t end = i;
                while (end < entries.size() && (entries[end] & kPresent) != 0 &&
                       (end - i) * page_ < kMost)
                    ++end;
                if (end > i && !body((at + i) * page_, (end - i) * page_))
                    return false;
                i = std::max(end, i + 1);
            }
        }
        return true;
    }

private:
    static constexpr std::size_t kEntries = 1u << 16;
    static constexpr std::uint64_t kMost = 1u << 20;
    static constexpr std::uint64_t kPresent = 3ull << 62;  // in memory or in swap

    void read(std::uint64_t at, std::span<std::uint64_t> entries) const
    {
        const auto size = static_cast<ssize_t>(entries.size_bytes());
        if (!pagemap_ || ::pread(pagemap_.get(), entries.data(), entries.size_bytes(),
                                 static_cast<off_t>((first_ + at) * sizeof entries[0])) != size)
            std::ranges::fill(entries, kPresent);
    }

    std::uint64_t page_;
    std::uint64_t first_;
    std::uint64_t count_;
    Fd pagemap_;
};

}  // namespace gh::serve
