// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"

#include <array>
#include <cstring>
#include <initializer_list>
#include <vector>

namespace gh::cpu::test {

/// A PE with 1 MiB of RAM at 0x80000000, the MMU off, and HVC as the way to stop: `Rig rig{words}`
/// puts a program at the start of RAM, `rig.run()` runs it until HVC or another reason to leave.
class Rig final : public Platform {
public:
    static constexpr std::uint64_t kRam = 0x8000'0000;
    static constexpr std::uint32_t kHvc = 0xd400'0002;

    Rig(std::initializer_list<std::uint32_t> words)
    {
        put(kRam, words);
        cpu.reset(kRam, 0);
    }

    void put(std::uint64_t at, std::initializer_list<std::uint32_t> words)
    {
        if (words.size() != 0)  // an empty list may have no address, and memcpy wants one
            std::memcpy(&ram[at - kRam], std::data(words), words.size() * 4);
    }
    Exit run() { return cpu.run(); }
    std::uint64_t& x(unsigned n) { return cpu.state().x.at(n); }

    Page page(std::uint64_t ipa) noexcept override
    {
        const std::uint64_t offset = ipa - kRam;
        return offset < ram.size() ? Page{ram.data() + offset, true, true} : Page{};
    }
    MmioOutcome mmio(Cpu&, MmioAccess& access) noexcept override
    {
        return access.ipa < 0x4000'0000 ? MmioOutcome::Exit : MmioOutcome::Abort;
    }
    bool hypervisor_call(Cpu& pe, bool, std::uint16_t) noexcept override
    {
        pe.request_exit();
        return true;
    }
    bool read_register(Cpu&, std::uint16_t, std::uint64_t& value) noexcept override
    {
        value = 0;
        return true;
    }
    bool write_register(Cpu&, std::uint16_t, std::uint64_t) noexcept override { return true; }
    std::uint64_t random() noexcept override { return 4; }

    std::vector<std::byte> storage = std::vector<std::byte>((1u << 20) + kPageSize);
    std::span<std::byte> ram{
        reinterpret_cast<std::byte*>(
            (reinterpret_cast<std::uintptr_t>(storage.data()) + kPageSize - 1) & kPageMask),
        1u << 20};
    Cluster cluster;
    Cpu cpu{cluster, *this, 0, 0x8000'0000};
};

}  // namespace gh::cpu::test
