// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unistd.h>

/// Kernel files made up for tests: right headers, meaningless bodies.
namespace gh {

using FileBytes = std::vector<std::byte>;

/// A file that is gone with its object.
class TemporaryFile {
public:
    explicit TemporaryFile(std::span<const std::byte> bytes) : fd_(::mkstemp(path_.data()))
    {
        REQUIRE(::write(fd_.get(), bytes.data(), bytes.size()) ==
                static_cast<ssize_t>(bytes.size()));
    }
    /// A sparse file of zeros.
    explicit TemporaryFile(std::uint64_t size) : fd_(::mkstemp(path_.data()))
    {
        REQUIRE(::ftruncate(fd_.get(), static_cast<off_t>(size)) == 0);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { ::unlink(path_.c_str()); }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int fd() const { return fd_.get(); }

private:
    std::string path_ = "/tmp/gh-image-XXXXXX";
    Fd fd_;
};

inline void put_little(FileBytes& bytes, std::size_t at, std::uint64_t value, std::size_t size)
{
    for (std::size_t i = 0; i < size; i++)
        bytes[at + i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

inline void put_text(FileBytes& bytes, std::size_t at, const std::string& text)
{
    for (std::size_t i = 0; i < text.size(); i++)
        bytes[at + i] = static_cast<std::byte>(text[i]);
}

/// `size` bytes that do not compress to nothing.
inline FileBytes pattern(std::size_t size)
{
    FileBytes bytes(size);
    std::uint32_t state = 1;
    for (auto& byte : bytes) {
        state = state * 1664525 + 1013904223;
        byte = static_cast<std::byte>(state >> 28);
    }
    return bytes;
}

/// An arm64 Image of `size` bytes that wants `image_size` bytes of memory.
inline FileBytes fake_image(std::size_t size, std::uint64_t image_size,
                            std::uint64_t text_offset = 0)
{
    FileBytes bytes = pattern(size);
    put_little(bytes, 0, 0x1400'0000, 4);
    put_little(bytes, 8, text_offset, 8);
    put_little(bytes, 16, image_size, 8);
    put_little(bytes, 24, 0xa, 8);
    put_text(bytes, 56, "ARMd");  // "ARM\x64"
    return bytes;
}

}  // namespace gh
