// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

namespace gh::cpu {

/// A piece of guest code that runs as one: a block in T0, a unit in T1.
struct Spot {
    enum class Tier : std::uint8_t { Interpreter, Translated };

    std::uint64_t va = 0;
    std::uint8_t el = 0;
    Tier tier = Tier::Interpreter;
    std::uint64_t entries = 0;
    /// Executed. Blocks count whole, so an exception in the middle of one counts what is behind it.
    std::uint64_t instructions = 0;
};

/// Host code that came to be, for tools that see host addresses.
struct HostCode {
    std::uintptr_t at = 0;
    std::size_t size = 0;
    const char* name = nullptr;  // of what is no guest code; else nullptr
    std::uint64_t va = 0;        // of the guest code
    unsigned el = 0;
    std::uint64_t vbar = 0;  // VBAR_EL1 now
};

/// What a PE counts only where somebody asked, since it costs time: every entry of every block.
/// Belongs to the PE's thread; whoever reads it sees to it that the PE does not run.
class Profile {
public:
    using Listener = std::function<void(const HostCode&)>;

    /// Calls an instruction's handler takes from translated code, by row of encodings().
    struct Calls {
        std::uint64_t always = 0;  // it has no template
        std::uint64_t slow = 0;    // it has one, which did not do: a TLB miss, an odd operand
    };
    /// What T1 did.
    struct Translation {
        std::uint64_t units = 0;
        std::uint64_t instructions = 0;
        std::uint64_t bytes = 0;  // of host code
        std::uint64_t full = 0;   // times that all was thrown away for want of room
        std::uint64_t nanoseconds = 0;
    };

    explicit Profile(Listener listener);
    Profile(const Profile&) = delete;
    Profile& operator=(const Profile&) = delete;

    /// Where the code at `va` is counted, for the life of the profile. A guest that makes code
    /// without end gets one spot for all of it beyond a limit, at address 0.
    Spot& spot(std::uint64_t va, unsigned el, Spot::Tier tier);
    /// The calls of the instruction `word`.
    Calls& calls(std::uint32_t word);
    /// Tells the listener.
    void made(const HostCode& code) const;

    Translation translation;

    [[nodiscard]] std::vector<const Spot*> spots() const;
    /// In the order of encodings().
    [[nodiscard]] const std::vector<Calls>& calls() const noexcept { return calls_; }

private:
    static constexpr std::size_t kMostSpots = std::size_t{1} << 18;

    Listener listener_;
    std::unordered_map<std::uint64_t, Spot> spots_;  // by address, with level and tier below it
    std::vector<Calls> calls_;
};

}  // namespace gh::cpu
