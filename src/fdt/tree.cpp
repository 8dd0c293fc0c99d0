// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/tree.h"

#include "base/error.h"

#include <libfdt.h>

namespace gh::fdt {
namespace {

constexpr std::size_t kSlack = 0x1000;

int raw(Offset node)
{
    return static_cast<int>(node);
}

std::vector<std::byte> opened(Bytes blob, std::size_t slack, const std::string& what)
{
    std::vector<std::byte> copy(blob.size() + slack);
    const int error = fdt_open_into(blob.data(), copy.data(), static_cast<int>(copy.size()));
    if (error != 0)
        throw Error(what + ": " + fdt_strerror(error));
    return copy;
}

}  // namespace

Tree::Tree(const View& from) : blob_(opened(from.blob(), kSlack, "devicetree")) {}

/// A header that View takes can still be one that libfdt's editing makes worse.
View Tree::view() const
{
    std::string why;
    const auto view = View::open(blob_, &why);
    if (!view)
        throw Error("devicetree: edited: " + why);
    return *view;
}

/// Runs an edit of libfdt's, with more room as long as it asks for it.
template <class Edit>
int Tree::grow_until(const Edit& edit, const char* what)
{
    int result = edit(blob_.data());
    while (result == -FDT_ERR_NOSPACE) {
        blob_ = opened(blob_, blob_.size(), what);
        result = edit(blob_.data());
    }
    if (result < 0)
        throw Error(std::string("devicetree: ") + what + ": " + fdt_strerror(result));
    return result;
}

Offset Tree::add_node(Offset parent, const std::string& name)
{
    if (const auto there = view().child(parent, name); there && view().name(*there) == name)
        return *there;
    return Offset{
        grow_until([&](void* blob) { return fdt_add_subnode(blob, raw(parent), name.c_str()); },
                   "add a node")};
}

void Tree::set(Offset node, const std::string& name, Bytes value)
{
    grow_until(
        [&](void* blob) {
            return fdt_setprop(blob, raw(node), name.c_str(), value.data(),
                               static_cast<int>(value.size()));
        },
        "set a property");
}

void Tree::set_cells(Offset node, const std::string& name, const std::vector<std::uint32_t>& cells)
{
    std::vector<std::byte> value;
    for (const std::uint32_t cell : cells)
        for (int shift = 24; shift >= 0; shift -= 8)
            value.push_back(static_cast<std::byte>(cell >> shift & 0xff));
    set(node, name, value);
}

void Tree::set_u64s(Offset node, const std::string& name, const std::vector<std::uint64_t>& numbers)
{
    std::vector<std::uint32_t> cells;
    for (const std::uint64_t number : numbers) {
        cells.push_back(static_cast<std::uint32_t>(number >> 32));
        cells.push_back(static_cast<std::uint32_t>(number));
    }
    set_cells(node, name, cells);
}

void Tree::set_texts(Offset node, const std::string& name, const std::vector<std::string>& texts)
{
    std::vector<std::byte> value;
    for (const auto& text : texts) {
        for (const char c : text)
            value.push_back(static_cast<std::byte>(c));
        value.push_back(std::byte{0});
    }
    set(node, name, value);
}

void Tree::remove(Offset node, const std::string& name)
{
    static_cast<void>(fdt_delprop(blob_.data(), raw(node), name.c_str()));
}

std::uint32_t Tree::new_phandle() const
{
    std::uint32_t phandle = 0;
    if (const int error = fdt_generate_phandle(blob_.data(), &phandle); error != 0)
        throw Error(std::string("devicetree: phandle: ") + fdt_strerror(error));
    return phandle;
}

std::vector<std::byte> Tree::pack() const
{
    auto packed = blob_;
    if (const int error = fdt_pack(packed.data()); error != 0)
        throw Error(std::string("devicetree: pack: ") + fdt_strerror(error));
    packed.resize(fdt_totalsize(packed.data()));
    return packed;
}

std::vector<std::byte> apply_overlay(Bytes base, Bytes overlay, const std::string& what)
{
    std::string why;
    if (!View::open(overlay, &why))
        throw Error(what + ": not a devicetree overlay: " + why);
    auto result = opened(base, overlay.size() + kSlack, what);
    std::vector<std::byte> scratch(overlay.begin(), overlay.end());  // libfdt spoils it
    if (const int error = fdt_overlay_apply(result.data(), scratch.data()); error != 0)
        throw Error(what + ": the overlay does not apply: " + fdt_strerror(error));
    GH_CHECK(fdt_pack(result.data()) == 0);
    result.resize(fdt_totalsize(result.data()));
    return result;
}

}  // namespace gh::fdt
