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
      file_(make_memfd("gh-vmm-code", code_size)),
      writable_("translated code", code_size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get()),
      range_("translated code", code_size + data_size(code_size), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
{
    if (::mmap(range_.data(), code_size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, file_.get(),
               0) == MAP_FAILED)
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
