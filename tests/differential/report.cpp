// SPDX-License-Identifier: BSD-3-Clause
#include "report.h"

#include "base/fd.h"
#include "values.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <vector>

#include <unistd.h>

namespace gh::differential {
namespace {

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...)
{
    std::array<char, 256> line{};
    va_list arguments;
    va_start(arguments, pattern);
    (void)std::vsnprintf(line.data(), line.size(), pattern, arguments);
    va_end(arguments);
    return line.data();
}

using Value = unsigned long long;

std::string differing(const std::string& name, Value before, Value ours, Value theirs)
{
    if (ours == theirs)
        return {};
    return format("  %-8s before %016llx  ours %016llx  oracle %016llx\n", name.c_str(), before,
                  ours, theirs);
}

std::string differing_v(unsigned n, const Registers& before, const Registers& ours,
                        const Registers& theirs)
{
    const unsigned i = n * 2;
    if (ours.v[i] == theirs.v[i] && ours.v[i + 1] == theirs.v[i + 1])
        return {};
    return format("  v%-7u before %016llx_%016llx\n", n, Value{before.v[i + 1]},
                  Value{before.v[i]}) +
           format("           ours   %016llx_%016llx\n", Value{ours.v[i + 1]}, Value{ours.v[i]}) +
           format("           oracle %016llx_%016llx\n", Value{theirs.v[i + 1]},
                  Value{theirs.v[i]});
}

/// The registers that the register fields of the code could mean.
std::uint32_t mentioned(std::span<const std::uint32_t> code)
{
    std::uint32_t set = 0;
    for (const std::uint32_t word : code)
        for (const unsigned low : {0u, 5u, 10u, 16u})
            set |= 1u << (word >> low & 31);
    return set;
}

std::string beginning(std::span<const std::uint32_t> code, const Registers& before)
{
    std::string text = format("  nzcv %08x fpcr %08x fpsr %08x sp %016llx\n", before.nzcv,
                              before.fpcr, before.fpsr, Value{before.sp});
    const std::uint32_t set = mentioned(code);
    for (unsigned n = 0; n < 32; ++n)
        if ((set >> n & 1) != 0)
            text += format("  x%-2u %016llx  v%-2u %016llx_%016llx\n", n,
                           Value{n < 31 ? before.x[n] : 0}, n, Value{before.v[n * 2 + 1]},
                           Value{before.v[n * 2]});
    return text;
}

bool is_padding(std::uint32_t word)
{
    return word == 0xd503'201f || word == 0xd503'3f5f || word == kRestoreX30 ||
           (word & 0xfc00'0000) == 0x1400'0000;
}

/// A jump to a misaligned address where nothing is mapped: qemu-user looks at the page first, the
/// manual wants the alignment fault (DDI 0487 D1.3.5, priorities 2 and 3).
bool is_pc_alignment(const Registers& ours, const Registers& theirs)
{
    return ours.signal == SIGBUS && theirs.signal == SIGSEGV && ours.pc == theirs.pc &&
           (ours.pc & 3) != 0;
}

}  // namespace

bool same(const Registers& ours, const Registers& theirs) noexcept
{
    const bool same_end =
        (ours.signal == theirs.signal && ours.pc == theirs.pc) || is_pc_alignment(ours, theirs);
    return same_end && std::equal(ours.x, ours.x + 31, theirs.x) && ours.sp == theirs.sp &&
           ours.nzcv == theirs.nzcv && ((ours.fpcr ^ theirs.fpcr) & kFpcrMask) == 0 &&
           ((ours.fpsr ^ theirs.fpsr) & kFpsrMask) == 0 &&
           std::memcmp(ours.v, theirs.v, sizeof(ours.v)) == 0;
}

std::string describe(std::span<const std::uint32_t> code, const Registers& before,
                     const Registers& ours, const Registers& theirs)
{
    std::vector<std::uint32_t> telling;
    std::copy_if(code.begin(), code.end(), std::back_inserter(telling),
                 [](std::uint32_t word) { return !is_padding(word); });
    std::string text = disassemble(code, before.pc) + beginning(telling, before) + " differing:\n";
    text += differing("signal", 0, ours.signal, theirs.signal);
    text += differing("pc", before.pc, ours.pc, theirs.pc);
    for (unsigned n = 0; n < 31; ++n)
        text += differing("x" + std::to_string(n), before.x[n], ours.x[n], theirs.x[n]);
    text += differing("sp", before.sp, ours.sp, theirs.sp);
    text += differing("nzcv", before.nzcv, ours.nzcv, theirs.nzcv);
    text += differing("fpcr", before.fpcr, ours.fpcr & kFpcrMask, theirs.fpcr & kFpcrMask);
    text += differing("fpsr", before.fpsr, ours.fpsr & kFpsrMask, theirs.fpsr & kFpsrMask);
    for (unsigned n = 0; n < 32; ++n)
        text += differing_v(n, before, ours, theirs);
    return text;
}

std::string describe_windows(std::span<const std::byte> ours, std::span<const std::uint64_t> theirs)
{
    std::string text;
    unsigned lines = 0;
    for (std::size_t i = 0; i < theirs.size() && lines < 8; ++i) {
        std::uint64_t word = 0;
        std::memcpy(&word, ours.data() + i * 8, 8);
        if (word == theirs[i])
            continue;
        text += format("  [%08zx] ours %016llx  oracle %016llx\n", kWindowAddress + i * 8,
                       Value{word}, Value{theirs[i]});
        ++lines;
    }
    return text;
}

std::string disassemble(std::span<const std::uint32_t> code, std::uint64_t address)
{
    const Fd file = make_memfd("code", code.size_bytes());
    (void)!::write(file.get(), code.data(), code.size_bytes());
    const std::string command = format(
        "aarch64-linux-gnu-objdump -D -z -b binary -m aarch64 --adjust-vma=0x%llx /proc/%d/fd/%d "
        "2>/dev/null | grep '^ .*:' | grep -v -e 'nop$' -e 'clrex$'",
        Value{address}, ::getpid(), file.get());
    std::string text;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "re"), ::pclose);
    std::array<char, 256> line{};
    while (pipe && std::fgets(line.data(), line.size(), pipe.get()) != nullptr)
        text += line.data();
    if (text.empty())
        for (const std::uint32_t word : code)
            text += format("  %08x\n", word);
    return text;
}

}  // namespace gh::differential
