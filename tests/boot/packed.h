// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fake_image.h"

#include <algorithm>

#include <lz4.h>
#include <lz4frame.h>

#include <zlib.h>
#include <zstd.h>

/// Bytes packed as kernels are.
namespace gh {

inline FileBytes gzip(const FileBytes& bytes)
{
    z_stream z{};
    REQUIRE(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    FileBytes out(bytes.size() + 1024);
    z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

inline FileBytes zstd(const FileBytes& bytes)
{
    FileBytes out(ZSTD_compressBound(bytes.size()));
    out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1));
    return out;
}

inline FileBytes lz4_frame(const FileBytes& bytes)
{
    FileBytes out(LZ4F_compressFrameBound(bytes.size(), nullptr));
    out.resize(LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), nullptr));
    return out;
}

inline FileBytes lz4_legacy(const FileBytes& bytes)
{
    constexpr std::size_t kBlock = 8 << 20;
    FileBytes out(4);
    put_little(out, 0, 0x184c2102, 4);
    for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
        const std::size_t size = std::min(kBlock, bytes.size() - at);
        const std::size_t header = out.size();
        out.resize(header + 4 +
                   static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(size))));
        const int packed =
            LZ4_compress_default(reinterpret_cast<const char*>(bytes.data() + at),
                                 reinterpret_cast<char*>(out.data() + header + 4),
                                 static_cast<int>(size), LZ4_compressBound(static_cast<int>(size)));
        put_little(out, header, static_cast<std::uint64_t>(packed), 4);
        out.resize(header + 4 + static_cast<std::size_t>(packed));
    }
    return out;
}

}  // namespace gh
