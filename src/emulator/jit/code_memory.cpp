// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/jit/code_memory.h"

#include "base/error.h"

#include <sys/mman.h>

namespace gh::jit {
namespace {

/// Links and units take about a quarter of what their code takes; the tables of jumps come on top.
std::size_t data_size(std::size_t code_size)
{
    return code_size / 4 + (std::size_t{2} << 20);
}

}  // namespace

CodeMemory::CodeMemory(std::size_t code_size)
    : code_size_(code_size),
      writable_("translated code", code_size, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE),
      range_("translated code", code_size + data_size(code_size), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
{
    // Of size 0, a shared mapping is mapped once more (mremap(2)). A memfd would do as well, but
    // perf looks up names only of code in no file.
    if (::mremap(writable_.data(), 0, code_size, MREMAP_MAYMOVE | MREMAP_FIXED, range_.data()) ==
            MAP_FAILED ||
        ::mprotect(range_.data(), code_size, PROT_READ | PROT_EXEC) != 0)
        throw_errno("mmap translated code for execution");
}

void CodeMemory::commit_code(std::size_t size) noexcept
{
    code_used_ += (size + 15) & ~std::size_t{15};
}

void CodeMemory::keep() noexcept
{
    code_kept_ = code_used_;
    data_kept_ = data_used_;
}

void CodeMemory::clear() noexcept
{
    code_used_ = code_kept_;
    data_used_ = data_kept_;
}

}  // namespace gh::jit
