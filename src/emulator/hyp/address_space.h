// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mapping.h"
#include "emulator/cpu/platform.h"
#include "emulator/hyp/vm.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace gh::hyp {

/// Stage 2 of a VM: which page of host memory stands behind a guest-physical address, and what
/// becomes of accesses to all others. PEs ask while they run; any thread that is not one of theirs
/// may change it meanwhile.
class AddressSpace {
public:
    /// Accesses below this address that nothing else answers leave the VM as VMMIO exits
    /// (gunyah-guest-abi.md 3.8).
    static constexpr std::uint64_t kVmmioEnd = 0x4000'0000;
    /// The Resource Manager's info page: reads 0, not writable (golden addr.0x40000000).
    static constexpr std::uint64_t kInfoPage = 0x4000'0000;
    static constexpr std::uint64_t kPageSize = 0x1000;
    static constexpr unsigned kAddressBits = 36;

    /// `flush` makes all PEs forget what page() has said, and returns when they have.
    AddressSpace(std::vector<RamRange> ram, Paging paging, std::function<void()> flush);

    /// From a running PE. The answer holds until `flush` was called.
    [[nodiscard]] cpu::Page page(std::uint64_t ipa) const noexcept;
    /// An access with a syndrome that finds no page: its owner may answer in the page's stead.
    [[nodiscard]] bool is_vmmio(std::uint64_t ipa) const noexcept;
    /// Any other access that finds no page, or none that allows it: its owner may give one.
    [[nodiscard]] bool is_paged(std::uint64_t ipa) const noexcept;

    /// Hyp::Vm says what these do.
    void map(const RamRange& range);
    void unmap(MemoryRange range);
    [[nodiscard]] bool has_any(MemoryRange range) const;
    /// Nobody changes anything meanwhile, so that any thread may ask page().
    [[nodiscard]] std::unique_lock<std::mutex> hold() const { return std::unique_lock(mutex_); }

    /// addrspace_modify_pages of the guest.
    void modify(const PageChange& change);
    /// Whether it is possible, from a running PE: read-only memory cannot be sanitised.
    [[nodiscard]] bool may_modify(const PageChange& change) const noexcept;

private:
    using Ranges = std::vector<RamRange>;  // ascending, disjoint

    template <class F>
    Ranges take(MemoryRange range, F&& which);
    bool modify_some(PageChange& change);
    void publish(Ranges ranges);
    void flush();
    [[nodiscard]] const Ranges& ranges() const noexcept
    {
        return *current_.load(std::memory_order_acquire);
    }

    const Paging paging_;
    const std::function<void()> flush_;
    Mapping info_page_;
    mutable std::mutex mutex_;  // of who changes it
    // The last is current. PEs may look at the others until they are flushed.
    std::vector<std::unique_ptr<const Ranges>> versions_;
    std::size_t old_ranges_ = 0;  // in all of them
    std::atomic<const Ranges*> current_{nullptr};
};

}  // namespace gh::hyp
