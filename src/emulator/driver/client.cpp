// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/client.h"

#include <fstream>
#include <limits>
#include <sstream>

namespace gh::driver {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
constexpr unsigned kCapIpcLock = 14;

/// What stands behind `name` on its line of a file in /proc.
std::istringstream field(const std::string& path, const std::string& name)
{
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name))
            return std::istringstream(line.substr(name.size()));
    return {};
}

}  // namespace

std::uint64_t lock_limit_of(const std::string& process)
{
    const std::string folder = "/proc/" + process;
    std::uint64_t capabilities = 0;
    field(folder + "/status", "CapEff:") >> std::hex >> capabilities;
    if ((capabilities >> kCapIpcLock & 1) != 0)
        return kUnlimited;
    std::string soft;
    field(folder + "/limits", "Max locked memory") >> soft;
    if (soft == "unlimited")
        return kUnlimited;
    std::uint64_t bytes = 0;
    std::istringstream(soft) >> bytes;
    return bytes;
}

bool Client::can_lock(std::uint64_t bytes) const
{
    const std::uint64_t limit = lock_limit();
    const std::uint64_t locked = locked_;
    return locked <= limit && bytes <= limit - locked;
}

/// Other threads may lock at the same time: what is too much is taken back, as by the kernel.
bool Client::lock(std::uint64_t bytes)
{
    const std::uint64_t limit = lock_limit();
    const std::uint64_t before = locked_.fetch_add(bytes);
    if (before <= limit && bytes <= limit - before)
        return true;
    locked_ -= bytes;
    return false;
}

}  // namespace gh::driver
