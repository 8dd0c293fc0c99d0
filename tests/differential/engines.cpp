// SPDX-License-Identifier: BSD-3-Clause
// T0 against T1: random blocks of 8 to 64 instructions, entered often enough to be translated, at
// both exception levels. Everything that software can see is compared after each entry.
#include "engines.h"

#include "block.h"
#include "emulator/cpu/state_members.h"
#include "random.h"
#include "report.h"
#include "world.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace gh::differential {
namespace {

using Clock = std::chrono::steady_clock;
using Value = unsigned long long;

constexpr std::uint32_t kNop = 0xd503'201f;

/// What one engine made of one case.
struct Outcome {
    World::End end;
    cpu::State state;
};

class Engines {
public:
    explicit Engines(const EnginesOptions& options)
        : options_(options), interpreter_(std::nullopt), jit_(options.threshold)
    {
        Random random(options.seed);
        memory_.resize(interpreter_.window().size());
        for (std::byte& byte : memory_)
            byte = static_cast<std::byte>(random.next());
    }

    int run()
    {
        const auto begin = Clock::now();
        const auto elapsed = [&] {
            return std::chrono::duration<double>(Clock::now() - begin).count();
        };
        for (std::uint64_t number = options_.block.value_or(0); !enough(elapsed()); ++number) {
            const RandomBlock block = random_block(options_.seed, number, interpreter_.initial());
            cases_ += RandomBlock::kStarts;
            if (const auto index = first_difference(block))
                report(number, block, *index);
        }
        std::printf("engines: %llu cases in %.1f s (%.0f a second), %u blocks differ\n",
                    static_cast<Value>(cases_), elapsed(), static_cast<double>(cases_) / elapsed(),
                    different_);
        return different_ == 0 && cases_ > 0 ? 0 : 1;
    }

private:
    [[nodiscard]] bool enough(double seconds) const
    {
        if (options_.block)
            return cases_ > 0;
        return different_ >= options_.differences ||
               (options_.cases ? cases_ >= *options_.cases : seconds >= options_.seconds);
    }

    static Outcome run_one(World& world, const cpu::State& start)
    {
        Outcome outcome{world.run(start), world.state()};
        outcome.state.x[cpu::kSink] = 0;
        return outcome;
    }

    void prepare(World& world, const RandomBlock& block)
    {
        world.put(block.offset, block.words);
        std::copy(memory_.begin(), memory_.end(), world.window().begin());
    }

    /// The first start of the block whose outcomes differ.
    std::optional<unsigned> first_difference(const RandomBlock& block)
    {
        prepare(interpreter_, block);
        prepare(jit_, block);
        for (unsigned i = 0; i < RandomBlock::kStarts; ++i) {
            ours_ = run_one(jit_, block.starts.at(i));
            theirs_ = run_one(interpreter_, block.starts.at(i));
            if (!same())
                return i;
        }
        return std::nullopt;
    }

    static bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b)
    {
        return std::memcmp(a.data(), b.data(), a.size()) == 0;  // ranges::equal compares singly
    }

    bool same()
    {
        return ours_.end == theirs_.end && ours_.end.exit == cpu::Exit::Requested &&
               ours_.state == theirs_.state && same_bytes(jit_.window(), interpreter_.window()) &&
               same_bytes(jit_.code(), interpreter_.code());
    }

    /// With as few instructions as still differ. What counts the ways back stays.
    RandomBlock shrunk(const RandomBlock& block)
    {
        RandomBlock smaller = block;
        for (std::uint32_t& word : smaller.words) {
            if (word == kNop || counts_down(word))
                continue;
            const std::uint32_t before = std::exchange(word, kNop);
            if (!first_difference(smaller) || ours_.end.exit == cpu::Exit::Kicked)
                word = before;
        }
        return smaller;
    }

    void report(std::uint64_t number, const RandomBlock& block, unsigned index)
    {
        ++different_;
        std::printf(
            "\ncase %u differs. Again: differential --engines --seed %llu --block %llu "
            "--threshold %u\n",
            index, static_cast<Value>(options_.seed), static_cast<Value>(number),
            options_.threshold);
        if (!first_difference(block)) {
            std::puts("but not a second time: it depends on what ran before");
            return;
        }
        // One without end takes long to find out about.
        const bool loops = ours_.end.exit == cpu::Exit::Kicked;
        const RandomBlock smaller = loops ? block : shrunk(block);
        const auto again = first_difference(smaller);
        const cpu::State& start = smaller.starts.at(again.value_or(index));
        std::fputs(disassemble(smaller.words, start.elr_el1).c_str(), stdout);
        std::printf("  entry %u: spsr %llx sp %llx sp_el0 %llx\n", again.value_or(index),
                    static_cast<Value>(start.spsr_el1), static_cast<Value>(start.x[cpu::kSp]),
                    static_cast<Value>(start.sp_el0));
        std::printf("  T1 ended by %d/%x, T0 by %d/%x\n", static_cast<int>(ours_.end.exit),
                    ours_.end.outcome, static_cast<int>(theirs_.end.exit), theirs_.end.outcome);
        describe_registers(start);
        describe_members(start);
        describe_memory();
    }

    static void print(const std::string& name, Value before, Value ours, Value theirs)
    {
        if (ours != theirs)
            std::printf("  %-10s before %016llx  T1 %016llx  T0 %016llx\n", name.c_str(), before,
                        ours, theirs);
    }

    void describe_registers(const cpu::State& start) const
    {
        for (unsigned n = 0; n < start.x.size(); ++n)
            print("x" + std::to_string(n), start.x.at(n), ours_.state.x.at(n),
                  theirs_.state.x.at(n));
        for (unsigned n = 0; n < start.v.size(); ++n)
            for (unsigned half = 0; half < 2; ++half)
                print("v" + std::to_string(n) + (half == 0 ? ".low" : ".high"),
                      start.v.at(n).d.at(half), ours_.state.v.at(n).d.at(half),
                      theirs_.state.v.at(n).d.at(half));
    }

    void describe_members(const cpu::State& start) const
    {
        for (const cpu::StateMember& member : cpu::kStateMembers)
            print(member.name, value_of(start, member), value_of(ours_.state, member),
                  value_of(theirs_.state, member));
    }

    void describe_memory()
    {
        const auto ours = jit_.window();
        const auto theirs = interpreter_.window();
        unsigned lines = 0;
        for (std::size_t i = 0; i < ours.size() && lines < 16; ++i)
            if (ours[i] != theirs[i]) {
                std::printf("  [%llx] T1 %02x  T0 %02x\n", static_cast<Value>(World::kWindow + i),
                            static_cast<unsigned>(ours[i]), static_cast<unsigned>(theirs[i]));
                ++lines;
            }
    }

    const EnginesOptions& options_;
    World interpreter_;
    World jit_;
    std::vector<std::byte> memory_;
    Outcome ours_{};
    Outcome theirs_{};
    std::uint64_t cases_ = 0;
    unsigned different_ = 0;
};

}  // namespace

int compare_engines(const EnginesOptions& options)
{
    return Engines(options).run();
}

}  // namespace gh::differential
