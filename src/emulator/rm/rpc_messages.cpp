// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/rpc_messages.h"

#include "base/bits.h"

#include <algorithm>

namespace gh::rm {

std::vector<std::byte> reply(Error error, std::initializer_list<std::uint32_t> words)
{
    std::vector<std::byte> out;
    put(out, error);
    for (const std::uint32_t word : words)
        put(out, word);
    return out;
}

std::span<const std::byte> bytes_of(std::string_view text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

void put_id(std::vector<std::byte>& out, IdType type, std::span<const std::byte> id)
{
    put(out, std::uint16_t{type});
    put(out, static_cast<std::uint16_t>(id.size()));
    out.insert(out.end(), id.begin(), id.end());
    out.resize(align_up(out.size(), 4));
}

std::optional<std::span<const std::byte>> get_text(std::span<const std::byte> request)
{
    if (request.size() < 4)
        return std::nullopt;
    const std::size_t size = get<std::uint16_t>(request, 0);
    if (align_up(size, 4) + 4 != request.size())
        return std::nullopt;
    const auto padding = request.subspan(4 + size);
    const bool zeros = std::ranges::all_of(padding, [](std::byte b) { return b == std::byte{}; });
    return zeros ? std::optional(request.subspan(4, size)) : std::nullopt;
}

}  // namespace gh::rm
