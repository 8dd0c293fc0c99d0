// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mapping.h"
#include "emulator/cpu/platform.h"

#include <cstring>
#include <map>
#include <string>

#include <sys/mman.h>

namespace gh::hyp {

/// Guest RAM page by page. Around each lies memory that nobody may touch.
struct GuestPages final : cpu::Platform {
    static constexpr std::uint64_t kPage = 0x1000;

    /// A page at `ipa`, filled with zeros.
    std::byte* add(std::uint64_t ipa, bool writable = true)
    {
        auto& page = pages_[ipa];
        page.guarded = Mapping("test page", 3 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
        page.writable = writable;
        (void)::mprotect(page.host(), kPage, PROT_READ | PROT_WRITE);
        return page.host();
    }
    void put(std::uint64_t ipa, std::uint64_t value)
    {
        std::memcpy(pages_.at(ipa & ~(kPage - 1)).host() + ipa % kPage, &value, sizeof value);
    }
    /// No store gets through to it any more.
    void seal(std::uint64_t ipa) { (void)::mprotect(pages_.at(ipa).host(), kPage, PROT_READ); }

    cpu::Page page(std::uint64_t ipa) noexcept override
    {
        const auto found = pages_.find(ipa);
        return found == pages_.end()
                   ? cpu::Page{}
                   : cpu::Page{found->second.host(), found->second.writable, true};
    }
    cpu::MmioOutcome mmio(cpu::Cpu&, cpu::MmioAccess&) noexcept override
    {
        return cpu::MmioOutcome::Abort;
    }
    bool hypervisor_call(cpu::Cpu&, bool, std::uint16_t) noexcept override { return false; }
    bool read_register(cpu::Cpu&, std::uint16_t, std::uint64_t&) noexcept override { return false; }
    bool write_register(cpu::Cpu&, std::uint16_t, std::uint64_t) noexcept override { return false; }
    std::uint64_t random() noexcept override { return 0; }

private:
    struct Page {
        Mapping guarded;
        bool writable = true;
        [[nodiscard]] std::byte* host() const { return guarded.data() + kPage; }
    };
    std::map<std::uint64_t, Page> pages_;
};

}  // namespace gh::hyp
