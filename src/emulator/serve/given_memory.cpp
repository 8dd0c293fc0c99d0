// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/given_memory.h"

#include "base/error.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace gh::serve {
namespace {

Fd copy_of(const Fd& file)
{
    return Fd{::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)};
}

}  // namespace

std::uint64_t inode_of(const Fd& file)
{
    struct stat info {};
    return ::fstat(file.get(), &info) == 0 ? info.st_ino : 0;
}

Fd GivenMemory::file_of(pid_t thread, const Vma& vma) const
{
    Fd file = files_.with([&](const auto& files) {
        const auto ours = files.find(vma.inode);
        return ours != files.end() ? copy_of(ours->second) : Fd{};
    });
    return file ? std::move(file) : open_mapped_file(thread, vma);
}

void GivenMemory::remember(pid_t thread, const Fd& file)
{
    std::set<ino_t> mapped;
    for (const Vma& vma : mappings(thread, 0, ~std::uint64_t{0}))
        mapped.insert(vma.inode);
    files_.with([&](auto& files) {
        std::erase_if(files, [&](const auto& one) { return !mapped.contains(one.first); });
        files[inode_of(file)] = copy_of(file);
    });
}

int GivenMemory::lent_file()
{
    constexpr unsigned long long kNoEnd = 1ull << 62;
    return lent_.with([](Fd& file) {
        try {
            if (!file)
                file = make_memfd("gunyah-memory", kNoEnd);
        } catch (const Error&) {
            return -1;
        }
        return file.get();
    });
}

bool is_of_files(driver::ClientRange range, pid_t thread, const GivenMemory& given)
{
    const auto vmas = mappings(thread, range.address, range.address + range.size);
    return std::all_of(vmas.begin(), vmas.end(), [&](const Vma& vma) {
        return !vma.readable || (vma.shared && given.file_of(thread, vma));
    });
}

bool is_swap_backed(driver::ClientRange range, pid_t thread, const GivenMemory& given)
{
    const auto vmas = mappings(thread, range.address, range.address + range.size);
    return std::all_of(vmas.begin(), vmas.end(), [&](const Vma& vma) {
        if (!vma.shared || vma.inode == 0)
            return true;
        const Fd file = given.file_of(thread, vma);
        struct statfs system {};
        return !file || ::fstatfs(file.get(), &system) != 0 || system.f_type == TMPFS_MAGIC;
    });
}

}  // namespace gh::serve
