// SPDX-License-Identifier: BSD-3-Clause
#include "base/fd.h"

#include "base/error.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

namespace gh {

Fd open_file(const std::string& path, int flags)
{
    Fd fd{::open(path.c_str(), flags | O_CLOEXEC, 0666)};
    if (!fd)
        throw_errno("open " + path);
    return fd;
}

void raise_open_files() noexcept
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

Fd make_memfd(const std::string& name, unsigned long long size, unsigned flags)
{
    Fd fd{::memfd_create(name.c_str(), flags | MFD_CLOEXEC)};
    if (!fd)
        throw_errno("memfd_create " + name);
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0)
        throw_errno("ftruncate " + name);
    return fd;
}

Fd make_sealed_memfd(const std::string& name, unsigned long long size)
{
    Fd fd = make_memfd(name, size, MFD_ALLOW_SEALING);
    if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        throw_errno("sealing " + name);
    return fd;
}

}  // namespace gh
