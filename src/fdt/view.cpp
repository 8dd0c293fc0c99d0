// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/view.h"

#include "base/error.h"

#include <algorithm>

#include <libfdt.h>

namespace gh::fdt {
namespace {

int raw(Offset node)
{
    return static_cast<int>(node);
}

std::optional<Offset> found(int offset)
{
    return offset < 0 ? std::nullopt : std::optional(Offset{offset});
}

std::size_t total_size(Bytes blob)
{
    return fdt_totalsize(blob.data());
}

constexpr std::size_t kNameMax = 255;  // of a property; the specification has 31

/// Whether libfdt would look for the end of a property's name for long, again and again. Names that
/// are nowhere it refuses itself.
bool name_is_short(Bytes blob, std::uint32_t offset)
{
    const std::uint64_t at = std::uint64_t{fdt_off_dt_strings(blob.data())} + offset;
    if (at >= blob.size())
        return true;
    const auto name = blob.subspan(at, std::min<std::size_t>(blob.size() - at, kNameMax + 1));
    return std::ranges::find(name, std::byte{0}) != name.end();
}

/// What is wrong with the properties of the structure block, up to the first tag that is none;
/// nullptr: nothing. libfdt takes lengths just below 2^32 for negative ones: it then hands them
/// out, or never gets on.
const char* flaw_of_properties(Bytes blob)
{
    const std::size_t begin = fdt_off_dt_struct(blob.data());
    Bytes rest = blob.subspan(std::min(begin, blob.size()));
    if (fdt_version(blob.data()) >= 17)
        rest = rest.first(std::min<std::size_t>(rest.size(), fdt_size_dt_struct(blob.data())));
    const auto skip = [&rest](std::size_t bytes) {
        const std::size_t cells = (bytes + 3) / 4 * 4;
        rest = rest.subspan(std::min(cells, rest.size()));
    };
    while (rest.size() >= 4) {
        const std::uint32_t tag = cell(rest, 0);
        skip(4);
        if (tag == FDT_BEGIN_NODE) {
            const auto end = std::ranges::find(rest, std::byte{0});
            skip(static_cast<std::size_t>(end - rest.begin()) + 1);
        } else if (tag == FDT_PROP) {
            if (rest.size() < 8 || cell(rest, 0) > rest.size() - 8)
                return "a property is longer than the devicetree";
            if (!name_is_short(blob, cell(rest, 1)))
                return "the name of a property is longer than 255 characters";
            skip(8 + std::size_t{cell(rest, 0)});
        } else if (tag != FDT_END_NODE && tag != FDT_NOP) {
            break;
        }
    }
    return nullptr;
}

}  // namespace

std::uint32_t cell(Bytes bytes, std::size_t index)
{
    GH_CHECK(bytes.size() / 4 > index);
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; i++)
        value = value << 8 | std::to_integer<std::uint32_t>(bytes[4 * index + i]);
    return value;
}

std::uint64_t cells(Bytes bytes, std::size_t index, std::size_t count)
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; i++)
        value = value << 32 | cell(bytes, index + i);
    return value;
}

std::optional<View> View::open(Bytes blob, std::string* why)
{
    const auto refuse = [why](const char* text) {
        if (why != nullptr)
            *why = text;
        return std::nullopt;
    };
    // libfdt trusts its caller that a whole header is there.
    if (blob.size() < sizeof(fdt_header))
        return refuse("shorter than a devicetree header");
    if (const int error = fdt_check_header(blob.data()); error != 0)
        return refuse(fdt_strerror(error));
    if (total_size(blob) > blob.size())
        return refuse("totalsize is larger than the bytes there are");
    // Before, values of eight bytes were aligned: a way of reading that nobody wants any more.
    if (fdt_version(blob.data()) < 16)
        return refuse("a version before 16");
    if (const char* const flaw = flaw_of_properties(blob.first(total_size(blob))))
        return refuse(flaw);
    return View(blob.first(total_size(blob)));
}

/// By path only: libfdt would follow an alias that names itself for ever.
std::optional<Offset> View::find(std::string_view path) const
{
    if (!path.starts_with('/'))
        return std::nullopt;
    return found(fdt_path_offset_namelen(blob_.data(), path.data(), static_cast<int>(path.size())));
}

std::optional<Offset> View::child(Offset parent, std::string_view name) const
{
    return found(fdt_subnode_offset_namelen(blob_.data(), raw(parent), name.data(),
                                            static_cast<int>(name.size())));
}

std::optional<Offset> View::by_phandle(std::uint32_t phandle) const
{
    return found(fdt_node_offset_by_phandle(blob_.data(), phandle));
}

std::vector<Offset> View::children(Offset parent) const
{
    std::vector<Offset> all;
    for (int node = fdt_first_subnode(blob_.data(), raw(parent)); node >= 0;
         node = fdt_next_subnode(blob_.data(), node))
        all.push_back(Offset{node});
    return all;
}

void View::walk(const std::function<bool(Offset, int depth)>& visit) const
{
    int depth = 0;
    for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(blob_.data(), node, &depth)) {
        if (!visit(Offset{node}, depth))
            return;
    }
}

std::vector<View::Reservation> View::reservations() const
{
    std::vector<Reservation> all;
    Reservation entry;
    for (int i = 0; fdt_get_mem_rsv(blob_.data(), i, &entry.address, &entry.size) == 0; ++i) {
        if (entry.size == 0)
            break;
        all.push_back(entry);
    }
    return all;
}

std::string_view View::name(Offset node) const
{
    int length = 0;
    const char* text = fdt_get_name(blob_.data(), raw(node), &length);
    return text == nullptr ? std::string_view{}
                           : std::string_view(text, static_cast<std::size_t>(length));
}

/// Not fdt_get_path(): that one walks out of its buffer where a damaged tree has nodes behind the
/// end of the root.
std::string View::path(Offset node) const
{
    std::string text;
    std::vector<std::size_t> ends;  // of the path down to each depth
    bool found_node = false;
    walk([&](Offset at, int depth) {
        const auto level = static_cast<std::size_t>(depth);
        ends.resize(level + 1);
        text.resize(level == 0 ? 0 : ends[level - 1]);
        if (level > 0)
            text.append("/").append(name(at));
        ends[level] = text.size();
        found_node = at == node;
        return !found_node;
    });
    if (!found_node)
        return "/...";
    return text.empty() ? "/" : text;
}

std::optional<Bytes> View::property(Offset node, std::string_view name) const
{
    int length = 0;
    const void* value = fdt_getprop_namelen(blob_.data(), raw(node), name.data(),
                                            static_cast<int>(name.size()), &length);
    if (value == nullptr)
        return std::nullopt;
    return Bytes(static_cast<const std::byte*>(value), static_cast<std::size_t>(length));
}

bool View::has(Offset node, std::string_view name) const
{
    return property(node, name).has_value();
}

void View::each_property(Offset node,
                         const std::function<void(std::string_view, Bytes)>& visit) const
{
    for (int at = fdt_first_property_offset(blob_.data(), raw(node)); at >= 0;
         at = fdt_next_property_offset(blob_.data(), at)) {
        int length = 0;
        const char* name = nullptr;
        const void* value = fdt_getprop_by_offset(blob_.data(), at, &name, &length);
        if (value == nullptr)
            return;
        visit(name, Bytes(static_cast<const std::byte*>(value), static_cast<std::size_t>(length)));
    }
}

std::optional<std::uint32_t> View::u32(Offset node, std::string_view name) const
{
    const auto value = property(node, name);
    return value && value->size() == 4 ? std::optional(cell(*value, 0)) : std::nullopt;
}

std::optional<std::uint64_t> View::u64(Offset node, std::string_view name) const
{
    const auto value = property(node, name);
    return value && value->size() == 8 ? std::optional(cells(*value, 0, 2)) : std::nullopt;
}

std::optional<std::string> View::text(Offset node, std::string_view name) const
{
    auto all = texts(node, name);
    return all.empty() ? std::nullopt : std::optional(std::move(all.front()));
}

std::vector<std::string> View::texts(Offset node, std::string_view name) const
{
    std::vector<std::string> all;
    auto rest = property(node, name).value_or(Bytes{});
    while (!rest.empty()) {
        const auto end = std::find(rest.begin(), rest.end(), std::byte{0});
        if (end == rest.end())
            break;
        std::string entry;
        std::transform(rest.begin(), end, std::back_inserter(entry),
                       [](std::byte b) { return std::to_integer<char>(b); });
        all.push_back(std::move(entry));
        rest = rest.subspan(all.back().size() + 1);
    }
    return all;
}

bool View::lists(Offset node, std::string_view name, std::string_view entry) const
{
    const auto all = texts(node, name);
    return std::find(all.begin(), all.end(), entry) != all.end();
}

}  // namespace gh::fdt
