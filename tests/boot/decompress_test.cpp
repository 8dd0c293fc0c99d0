// SPDX-License-Identifier: BSD-3-Clause
#include "boot/decompress.h"

#include "base/error.h"
#include "packed.h"

#include <algorithm>

using namespace gh;
using namespace gh::boot;

namespace {

constexpr std::size_t kSize = 9'000'000;  // more than one block of legacy lz4

struct Form {
    const char* name;
    Packing packing;
    FileBytes (*pack)(const FileBytes&);
};

constexpr Form kForms[] = {{"gzip", Packing::Gzip, gzip},
                           {"zstd", Packing::Zstd, zstd},
                           {"lz4 frame", Packing::Lz4, lz4_frame},
                           {"lz4 legacy", Packing::Lz4, lz4_legacy}};

}  // namespace

TEST_CASE("every form unpacks to what was packed")
{
    const FileBytes original = pattern(kSize);
    for (const auto& form : kForms) {
        CAPTURE(form.name);
        const FileBytes packed = form.pack(original);
        CHECK(packing_of(packed) == form.packing);
        FileBytes out(kSize);
        CHECK(decompress(form.packing, packed, out, WhenFull::Refuse) == kSize);
        CHECK(out == original);
    }
}

TEST_CASE("the beginning can be had without the rest")
{
    const FileBytes original = pattern(kSize);
    for (const auto& form : kForms) {
        CAPTURE(form.name);
        FileBytes out(4096);
        CHECK(decompress(form.packing, form.pack(original), out, WhenFull::Stop) == 4096);
        CHECK(std::equal(out.begin(), out.end(), original.begin()));
    }
}

TEST_CASE("a truncated stream is an error")
{
    for (const auto& form : kForms) {
        CAPTURE(form.name);
        FileBytes packed = form.pack(pattern(kSize));
        packed.resize(packed.size() / 2);
        FileBytes out(kSize);
        CHECK_THROWS_WITH_AS((void)decompress(form.packing, packed, out, WhenFull::Refuse),
                             doctest::Contains("truncated"), Error);
    }
}

TEST_CASE("more than the room is an error")
{
    for (const auto& form : kForms) {
        CAPTURE(form.name);
        FileBytes out(kSize - 1);
        CHECK_THROWS_WITH_AS(
            (void)decompress(form.packing, form.pack(pattern(kSize)), out, WhenFull::Refuse),
            doctest::Contains("more than the 8999999 bytes"), Error);
    }
}

TEST_CASE("damaged data is an error or other bytes, never a crash")
{
    for (const auto& form : kForms) {
        CAPTURE(form.name);
        const FileBytes original = pattern(100'000);
        FileBytes packed = form.pack(original);
        for (std::size_t i = 8; i < packed.size(); i += 997)
            packed[i] ^= std::byte{0x5a};
        FileBytes out(original.size() + 1);
        bool same = false;
        try {
            same = decompress(form.packing, packed, out, WhenFull::Refuse) == original.size() &&
                   std::equal(original.begin(), original.end(), out.begin());
        } catch (const Error&) {
        }
        CHECK_FALSE(same);
    }
}
