// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/address_space.h"

#include "emulator/driver/own_memory.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

namespace gh::driver {
namespace {

bool parse(const char* line, Vma& vma)
{
    char permissions[5] = {};
    int path = 0;
    if (std::sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &vma.start, &vma.end,
                    permissions, &path) != 3)
        return false;
    vma.readable = permissions[0] == 'r';
    vma.writable = permissions[1] == 'w';
    const std::string_view name{line + path};
    const std::string plug = std::string("/memfd:") + kPlugName + " ";
    vma.lent = name.substr(0, plug.size()) == plug;
    return true;
}

}  // namespace

std::vector<Vma> mappings(std::uint64_t start, std::uint64_t end)
{
    std::vector<Vma> found;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> maps{std::fopen("/proc/self/maps", "re"),
                                                               &std::fclose};
    char line[8192];  // PATH_MAX and the columns before it
    while (maps && std::fgets(line, sizeof line, maps.get())) {
        Vma vma;
        if (!parse(line, vma) || vma.end <= start)
            continue;
        if (vma.start >= end)
            break;  // they ascend
        vma.start = std::max(vma.start, start);
        vma.end = std::min(vma.end, end);
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
