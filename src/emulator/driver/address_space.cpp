// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/address_space.h"

#include "emulator/driver/own_memory.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include <sys/sysmacros.h>

namespace gh::driver {
namespace {

bool parse(const char* line, Vma& vma)
{
    char permissions[5] = {};
    unsigned major = 0;
    unsigned minor = 0;
    std::uint64_t inode = 0;
    int path = 0;
    if (std::sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
                    &vma.vma_start, &vma.vma_end, permissions, &vma.offset, &major, &minor, &inode,
                    &path) != 7)
        return false;
    vma.readable = permissions[0] == 'r';
    vma.writable = permissions[1] == 'w';
    vma.executable = permissions[2] == 'x';
    vma.shared = permissions[3] == 's';
    vma.device = ::makedev(major, minor);
    vma.inode = inode;
    const std::string_view name{line + path};
    const std::string plug = std::string("/memfd:") + kPlugName + " ";
    vma.lent = name.substr(0, plug.size()) == plug;
    return true;
}

}  // namespace

std::vector<Vma> mappings_of(const std::string& process, std::uint64_t start, std::uint64_t end)
{
    std::vector<Vma> found;
    const std::string path = "/proc/" + process + "/maps";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> maps{std::fopen(path.c_str(), "re"),
                                                               &std::fclose};
    char line[8192];  // PATH_MAX and the columns before it
    while (maps && std::fgets(line, sizeof line, maps.get())) {
        Vma vma;
        if (!parse(line, vma) || vma.vma_end <= start)
            continue;
        if (vma.vma_start >= end)
            break;  // they ascend
        vma.start = std::max(vma.vma_start, start);
        vma.end = std::min(vma.vma_end, end);
        vma.offset += vma.start - vma.vma_start;
        found.push_back(vma);
    }
    return found;
}

bool is_backed(const Vma& vma) noexcept
{
    std::byte byte{};
    return read_own(vma.end - 1, {&byte, 1});
}

}  // namespace gh::driver
