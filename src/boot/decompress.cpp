// SPDX-License-Identifier: BSD-3-Clause
#include "boot/decompress.h"

#include "base/error.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <lz4.h>
#include <lz4frame.h>

#include <zlib.h>
#include <zstd.h>

namespace gh::boot {
namespace {

constexpr std::uint64_t kLz4Legacy = 0x184c2102;
constexpr std::size_t kLz4LegacyBlock = 8 << 20;

[[noreturn]] void damaged(const char* format, const std::string& why)
{
    throw Error(std::string(format) + " data is damaged: " + why);
}

[[noreturn]] void truncated(const char* format)
{
    throw Error(std::string(format) + " data is truncated: the file ends before the stream does");
}

[[noreturn]] void too_large(std::span<std::byte> out)
{
    throw Error("it unpacks to more than the " + std::to_string(out.size()) +
                " bytes that its header or the memory allows");
}

std::size_t gunzip(Bytes in, std::span<std::byte> out, WhenFull when_full)
{
    constexpr int kAutoHeader = 15 + 16;  // gzip wrapper, largest window
    constexpr std::size_t kStep = 1 << 30;
    z_stream z{};
    if (inflateInit2(&z, kAutoHeader) != Z_OK)
        throw Error("zlib does not start");
    const std::unique_ptr<z_stream, int (*)(z_stream*)> cleanup(&z, inflateEnd);
    std::size_t made = 0;
    for (int result = Z_OK; result != Z_STREAM_END;) {
        if (made == out.size() && when_full == WhenFull::Stop)
            break;
        const std::size_t room = std::min(out.size() - made, kStep);
        const std::size_t feed = std::min(in.size(), kStep);
        z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
        z.avail_in = static_cast<uInt>(feed);
        z.next_out = reinterpret_cast<Bytef*>(out.data() + made);
        z.avail_out = static_cast<uInt>(room);
        result = inflate(&z, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            damaged("gzip", z.msg != nullptr ? z.msg : "bad data");
        made += room - z.avail_out;
        in = in.subspan(feed - z.avail_in);
        if (result == Z_BUF_ERROR && in.empty())
            truncated("gzip");
        if (result == Z_BUF_ERROR && made == out.size())
            too_large(out);
    }
    return made;
}

std::size_t unzstd(Bytes in, std::span<std::byte> out, WhenFull when_full)
{
    const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                               ZSTD_freeDStream);
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    for (std::size_t wanted = 1; wanted != 0;) {
        if (to.pos == to.size && when_full == WhenFull::Stop)
            break;
        const std::size_t before = from.pos + to.pos;
        wanted = ZSTD_decompressStream(stream.get(), &to, &from);
        if (ZSTD_isError(wanted) != 0)
            damaged("zstd", ZSTD_getErrorName(wanted));
        if (wanted == 0 || from.pos + to.pos != before)
            continue;
        if (to.pos == to.size)
            too_large(out);
        truncated("zstd");
    }
    return to.pos;
}

std::size_t unlz4_frame(Bytes in, std::span<std::byte> out, WhenFull when_full)
{
    LZ4F_dctx* raw = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)) != 0)
        throw Error("lz4 does not start");
    const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> context(
        raw, LZ4F_freeDecompressionContext);
    std::size_t made = 0;
    for (std::size_t wanted = 1; wanted != 0;) {
        if (made == out.size() && when_full == WhenFull::Stop)
            break;
        std::size_t fed = in.size();
        std::size_t got = out.size() - made;
        wanted = LZ4F_decompress(context.get(), out.data() + made, &got, in.data(), &fed, nullptr);
        if (LZ4F_isError(wanted) != 0)
            damaged("lz4", LZ4F_getErrorName(wanted));
        made += got;
        in = in.subspan(fed);
        if (wanted == 0 || got != 0 || fed != 0)
            continue;
        if (made == out.size())
            too_large(out);
        truncated("lz4");
    }
    return made;
}

/// The form that `lz4 -l` and the kernel's own build make: a magic number, then blocks of 8 MiB
/// each behind its compressed size. Only the end of the file ends it.
std::size_t unlz4_legacy(Bytes in, std::span<std::byte> out, WhenFull when_full)
{
    std::vector<std::byte> spill;  // for a block that is larger than the room left
    std::size_t made = 0;
    for (in = in.subspan(4); in.size() >= 4;) {
        if (made == out.size() && when_full == WhenFull::Stop)
            return made;
        const std::uint64_t packed = little(in, 0, 4);
        in = in.subspan(4);
        if (packed == kLz4Legacy)
            continue;
        if (packed > in.size())
            truncated("lz4");
        const auto rest = out.subspan(made);
        const bool fits = rest.size() >= kLz4LegacyBlock;
        if (!fits)
            spill.resize(kLz4LegacyBlock);
        const int got =
            LZ4_decompress_safe(reinterpret_cast<const char*>(in.data()),
                                reinterpret_cast<char*>(fits ? rest.data() : spill.data()),
                                static_cast<int>(packed), static_cast<int>(kLz4LegacyBlock));
        if (got < 0)
            damaged("lz4", "a block does not unpack");
        const auto size = static_cast<std::size_t>(got);
        if (size > rest.size() && when_full == WhenFull::Refuse)
            too_large(out);
        if (!fits)
            std::copy_n(spill.begin(), std::min(size, rest.size()), rest.begin());
        made += std::min(size, rest.size());
        in = in.subspan(packed);
    }
    return made;
}

}  // namespace

std::size_t decompress(Packing packing, Bytes in, std::span<std::byte> out, WhenFull when_full)
{
    switch (packing) {
    case Packing::Gzip: return gunzip(in, out, when_full);
    case Packing::Zstd: return unzstd(in, out, when_full);
    case Packing::Lz4:
        return little(in, 0, 4) == kLz4Legacy ? unlz4_legacy(in, out, when_full)
                                              : unlz4_frame(in, out, when_full);
    case Packing::None: break;
    }
    const std::size_t size = std::min(in.size(), out.size());
    std::copy_n(in.begin(), size, out.begin());
    return size;
}

}  // namespace gh::boot
