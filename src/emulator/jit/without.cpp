// SPDX-License-Identifier: BSD-3-Clause
// In place of the translator where it is not built: GH_JIT=OFF, or not x86-64.
#include "emulator/jit/jit.h"

namespace gh::jit {

const char* unavailable() noexcept
{
    return "this gh-vmm was built without the translator";
}

std::unique_ptr<cpu::Translator> make_translator(cpu::Cpu&, std::uint32_t, std::size_t)
{
    return nullptr;
}

std::unique_ptr<cpu::Translator> make_lockstep_translator(
    cpu::Cpu&, std::uint32_t,
    // NOLINTNEXTLINE(performance-unnecessary-value-param): the translator proper keeps it
    std::function<void(const std::string&)>)
{
    return nullptr;
}

}  // namespace gh::jit
