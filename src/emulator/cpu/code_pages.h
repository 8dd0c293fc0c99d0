// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace gh::cpu {

/// Which pages hold code that PEs decoded, for guests that change code without IC IVAU (strict
/// tracking). A page is named by where it lies in our memory, so every mapping of it counts. Off
/// until watch(); any thread.
class CodePages {
public:
    /// Before any PE runs.
    void watch() noexcept { watching_ = true; }
    [[nodiscard]] bool watching() const noexcept { return watching_; }

    /// PE `index` is about to decode code of the page. True: for the first time since its last
    /// forget(), so others may have the right to store to it by their TLBs.
    bool note(const std::byte* page, unsigned index)
    {
        const std::scoped_lock lock(mutex_);
        std::uint32_t& readers = readers_[page];
        const bool is_new = (readers >> index & 1) == 0;
        readers |= 1u << index;
        return is_new;
    }
    [[nodiscard]] bool contains(const std::byte* page) const
    {
        const std::scoped_lock lock(mutex_);
        return readers_.contains(page);
    }
    /// The page is about to be written. True: it held code.
    bool forget(const std::byte* page)
    {
        const std::scoped_lock lock(mutex_);
        return readers_.erase(page) != 0;
    }

private:
    mutable std::mutex mutex_;
    std::unordered_map<const std::byte*, std::uint32_t> readers_;  // a bit for each PE
    bool watching_ = false;
};

}  // namespace gh::cpu
