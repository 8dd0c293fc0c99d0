// SPDX-License-Identifier: BSD-3-Clause
// The host code of single guest instructions, as golden/*.txt have it: so that a worse translation
// shows in review. After a change that is meant,
//   GH_UPDATE_GOLDEN=1 build/release/gh-emulator-jit-tests --test-case='*golden*'
// writes the files anew; a new instruction is a new line "word text" and the same command.
#include "emulator/jit/emitter.h"
#include "emulator/jit/templates.h"
#include "emulator/jit/translator.h"
#include "translated_rig.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <regex>
#include <sstream>
#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

/// A number as asmjit prints it, so big that it may be a host address.
const std::regex kAddress(R"(\b(0x)?[0-9A-F]{12,16}\b)");
const std::regex kState(R"(\[rbp([+-][0-9]+)?\])");

/// Translates one instruction at a time, as a unit of its own at 0x1000 of EL1.
class Printer {
public:
    std::string print(std::uint32_t word)
    {
        memory_.clear();
        Item item;
        if (!decode(word, item))
            return "    (not allocated)\n";
        asmjit::StringLogger logger;
        Emitter emitter(memory_, hot_, stubs_, false);
        emitter.code()->setLogger(&logger);
        REQUIRE(emitter.translate({item}) != nullptr);
        std::string text;
        std::istringstream lines(std::string(logger.data(), logger.dataSize()));
        for (std::string line; std::getline(lines, line);)
            text += "    " + symbolic(line) + '\n';
        return without_thunks(text);
    }

private:
    bool decode(std::uint32_t word, Item& item)
    {
        block_ = new (storage_.data()) cpu::Block{};
        block_->va = 0x1000;
        block_->count = 1;
        cpu::Insn& insn = *block_->insns();
        insn = cpu::Insn{};
        const cpu::Encoding* const encoding = cpu::find_encoding(word);
        if (encoding == nullptr || (insn.run = encoding->translate(word, insn)) == nullptr)
            return false;
        item.va = block_->va;
        item.word = word;
        item.insn = &insn;
        item.block = block_;
        item.row = row_of(word);
        item.last_of_block = true;
        return true;
    }

    [[nodiscard]] std::string name_of(std::uint64_t address) const
    {
        const auto is = [&](const void* place) {
            return address == reinterpret_cast<std::uintptr_t>(place);
        };
        if (is(stubs_.call_handler))
            return "call_handler";
        if (is(stubs_.call_simd_handler))
            return "call_simd_handler";
        if (is(stubs_.claim_fp_status))
            return "claim_fp_status";
        if (is(stubs_.leave_by_link))
            return "leave_by_link";
        if (is(stubs_.leave_to_rax[1]))
            return "leave_to_rax";
        if (is(block_))
            return "block";
        if (is(block_->insns()))
            return "insn";
        const auto base = reinterpret_cast<std::uintptr_t>(memory_.next_code());
        return address - base < (std::uint64_t{64} << 20) ? "data" : "function";
    }

    [[nodiscard]] std::string member_at(std::int64_t displacement) const
    {
        const std::int64_t offset = displacement + kStateBias;
        const auto* const place = reinterpret_cast<const char*>(hot_.state) + offset;
        const auto is = [&](const void* member) { return place == member; };
        if (is(hot_.attention))
            return "attention";
        if (is(hot_.scratch))
            return "flags";
        if (place == reinterpret_cast<const char*>(hot_.scratch) + 1)
            return "flags+1";
        if (is(&hot_.scratch->owns_fp_status))
            return "owns_fp_status";
        if (is(hot_.block))
            return "current_block";
        const auto first_v = static_cast<std::int64_t>(GH_STATE(v));
        if (offset >= first_v && offset < first_v + 512)
            return "v" + std::to_string((offset - first_v) / 16) +
                   ((offset - first_v) % 16 != 0 ? "+" + std::to_string((offset - first_v) % 16)
                                                 : std::string());
        if (offset >= 0 && offset < 34 * 8)
            return "x" + std::to_string(offset / 8);
        return "state+" + std::to_string(offset);
    }

    [[nodiscard]] std::string symbolic(const std::string& line) const
    {
        std::string result;
        std::string rest = line;
        for (std::smatch match; std::regex_search(rest, match, kState); rest = match.suffix())
            result += match.prefix().str() + '[' +
                      member_at(match[1].matched ? std::stoll(match[1].str()) : 0) + ']';
        rest = std::exchange(result, {}) + rest;
        for (std::smatch match; std::regex_search(rest, match, kAddress); rest = match.suffix()) {
            const bool hexadecimal = match[1].matched;
            const std::uint64_t value = std::stoull(match.str(), nullptr, hexadecimal ? 16 : 10);
            const bool address = value >> 40 != 0 && value >> 47 == 0;
            result += match.prefix().str() + (address ? name_of(value) : match.str());
        }
        return result + rest;
    }

    /// The ways out that nobody has linked yet are all alike.
    static std::string without_thunks(const std::string& text)
    {
        static const std::regex kThunk(R"( *L[0-9]+:\n *mov rax, data\n *jmp leave_by_link\n)");
        return std::regex_replace(text, kThunk, "");
    }

    TranslatedRig rig_{kHvc};
    cpu::HotState hot_ = rig_.cpu.hot();
    Jit jit_{rig_.cpu, 1, std::size_t{1} << 20};
    CodeMemory memory_{std::size_t{1} << 20};
    Stubs stubs_ = kept_stubs();
    alignas(cpu::Block) std::array<std::byte, 256> storage_{};
    cpu::Block* block_ = nullptr;

    Stubs kept_stubs()
    {
        const Stubs stubs = Stubs::make(memory_, hot_, jit_, rig_.cpu);
        memory_.keep();
        return stubs;
    }
};

std::string read_file(const std::filesystem::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

/// The file as it should be: a header, host code, an empty line, for each header it has.
std::string regenerated(Printer& printer, const std::string& text)
{
    std::string result;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (!line.empty() && line[0] != ' ')
            result += (result.empty() ? "" : "\n") + line + '\n' +
                      printer.print(static_cast<std::uint32_t>(std::stoul(line, nullptr, 16)));
    return result;
}

/// The first line in which the two differ, with the instruction it belongs to.
std::string first_difference(const std::string& golden, const std::string& now)
{
    std::istringstream a(golden);
    std::istringstream b(now);
    std::string header;
    for (std::string was, is; std::getline(a, was), std::getline(b, is), a || b;) {
        if (was != is)
            return header + "\nwas: " + was + "\nis:  " + is;
        if (!was.empty() && was[0] != ' ')
            header = was;
    }
    return {};
}

}  // namespace

TEST_CASE("host code is as the golden files have it")
{
    Printer printer;
    unsigned files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(GH_GOLDEN)) {
        const std::string golden = read_file(entry.path());
        const std::string now = regenerated(printer, golden);
        ++files;
        if (std::getenv("GH_UPDATE_GOLDEN") != nullptr) {
            std::ofstream(entry.path()) << now;
            continue;
        }
        INFO(entry.path().filename().string(), ": ", first_difference(golden, now),
             "\nif it is meant, run this test with GH_UPDATE_GOLDEN=1 and look at the change");
        CHECK(golden == now);
    }
    CHECK(files > 0);
}

}  // namespace gh::jit::test
