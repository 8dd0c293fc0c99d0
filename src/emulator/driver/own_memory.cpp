// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/own_memory.h"

#include "base/pipe.h"

#include <algorithm>
#include <cerrno>

#include <sys/uio.h>
#include <unistd.h>

namespace gh::driver {
namespace {

constexpr std::size_t kStep = 4096;  // what an empty pipe takes without blocking (PIPE_BUF)

}  // namespace

bool read_own_by_pipe(std::uint64_t address, std::span<std::byte> to) noexcept
{
    const Pipe pipe = make_pipe();
    if (!pipe)
        return false;
    while (!to.empty()) {
        const std::size_t size = std::min(to.size(), kStep);
        const auto want = static_cast<ssize_t>(size);
        if (::write(pipe.write_end.get(), reinterpret_cast<const void*>(address), size) != want ||
            ::read(pipe.read_end.get(), to.data(), size) != want)
            return false;
        to = to.subspan(size);
        address += size;
    }
    return true;
}

bool read_own(std::uint64_t address, std::span<std::byte> to) noexcept
{
    iovec local{to.data(), to.size()};
    iovec remote{reinterpret_cast<void*>(address), to.size()};
    const ssize_t got = ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0);
    if (got < 0 && (errno == ENOSYS || errno == EPERM))
        return read_own_by_pipe(address, to);
    return got >= 0 && static_cast<std::size_t>(got) == to.size();
}

}  // namespace gh::driver
