// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <utility>

#include <unistd.h>

namespace gh {

/// Owns one file descriptor. Always close-on-exec; never copied; empty after a move.
class Fd {
public:
    Fd() noexcept = default;
    explicit Fd(int raw) noexcept : raw_(raw) {}
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    Fd(Fd&& other) noexcept : raw_(std::exchange(other.raw_, -1)) {}
    Fd& operator=(Fd&& other) noexcept
    {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~Fd()
    {
        if (raw_ >= 0)
            ::close(raw_);
    }

    [[nodiscard]] int get() const noexcept { return raw_; }
    explicit operator bool() const noexcept { return raw_ >= 0; }

private:
    int raw_ = -1;
};

/// Opens with O_CLOEXEC; throws Error("open <path>: ...").
[[nodiscard]] Fd open_file(const std::string& path, int flags);

/// Lets the process have as many descriptors as it may: the soft limit, 1024 on most systems, is
/// for the sake of select(2), which nobody here calls.
void raise_open_files() noexcept;

/// An anonymous file of `size` bytes, named for /proc; throws Error.
[[nodiscard]] Fd make_memfd(const std::string& name, unsigned long long size, unsigned flags = 0);

/// The same, whose size nobody can change: for memory that others map too, who could have our own
/// accesses raise SIGBUS else.
[[nodiscard]] Fd make_sealed_memfd(const std::string& name, unsigned long long size);

}  // namespace gh
