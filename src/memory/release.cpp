// SPDX-License-Identifier: BSD-3-Clause
#include "memory/release.h"

#include "base/bits.h"

#include <cerrno>
#include <cstdint>

#include <sys/mman.h>
#include <unistd.h>

namespace gh {

bool release_pages(std::span<std::byte> range) noexcept
{
    static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uint64_t>(range.data());
    const std::uint64_t skip = align_up(begin, page) - begin;
    if (skip >= range.size())
        return true;
    const std::uint64_t size = (range.size() - skip) / page * page;
    if (size == 0)
        return true;
    // A hole in the file behind a shared mapping; of a private one, an image's, our copies go.
    std::byte* const at = range.data() + skip;
    if (::madvise(at, size, MADV_REMOVE) == 0)
        return true;
    return (errno == EACCES || errno == EINVAL) && ::madvise(at, size, MADV_DONTNEED) == 0;
}

}  // namespace gh
