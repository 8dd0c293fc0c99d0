// SPDX-License-Identifier: BSD-3-Clause
#include "base/mapping.h"

#include "base/error.h"

#include <string>

#include <sys/mman.h>

namespace gh {

Mapping::Mapping(const char* what, std::size_t size, int protection, int flags, int fd,
                 long long offset)
{
    void* const at = ::mmap(nullptr, size, protection, flags, fd, offset);
    if (at == MAP_FAILED)
        throw_errno(std::string("mmap ") + what);
    bytes_ = {static_cast<std::byte*>(at), size};
}

Mapping::~Mapping()
{
    if (!bytes_.empty())
        ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace gh
