// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mapping.h"

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace gh::jit {

/// Where host code and the data it addresses relative to itself live: one range, code first. The
/// code is mapped twice, to be written and to be executed, so that no mapping is both.
class CodeMemory {
public:
    /// Room for `code_size` bytes of code, a multiple of 16 pages, and for their data.
    /// Throws Error where the system allows no executable memory.
    explicit CodeMemory(std::size_t code_size);

    /// Address of the next code, as it will be executed.
    [[nodiscard]] std::byte* next_code() const noexcept { return code() + code_used_; }
    [[nodiscard]] std::size_t code_left() const noexcept { return code_size_ - code_used_; }
    /// Where to write what executes at next_code().
    [[nodiscard]] std::byte* writable_code() const noexcept
    {
        return writable_.data() + code_used_;
    }
    void commit_code(std::size_t size) noexcept;

    [[nodiscard]] std::size_t data_left() const noexcept
    {
        return range_.size() - code_size_ - data_used_;
    }
    /// A T of its own in the data part; the caller has seen to data_left().
    template <class T, class... Arguments>
    T* make(Arguments&&... arguments) noexcept
    {
        void* const place = range_.data() + code_size_ + data_used_;
        data_used_ += (sizeof(T) + 15) & ~std::size_t{15};
        return new (place) T{std::forward<Arguments>(arguments)...};
    }

    /// What was made up to here stays when the rest is thrown away.
    void keep() noexcept;
    void clear() noexcept;

private:
    [[nodiscard]] std::byte* code() const noexcept { return range_.data(); }

    std::size_t code_size_;
    Mapping writable_;
    Mapping range_;
    std::size_t code_used_ = 0;
    std::size_t data_used_ = 0;
    std::size_t code_kept_ = 0;
    std::size_t data_kept_ = 0;
};

}  // namespace gh::jit
