// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gh::fdt {

using Bytes = std::span<const std::byte>;

/// A node's place in a blob; good until the blob changes in front of it.
enum class Offset : int {};

/// Reads a flattened devicetree that lies in somebody else's memory. The blob may be hostile: the
/// header is checked against the bytes there are, and every look stays inside them. Copyable,
/// cheap; the bytes must outlive it and must not change meanwhile (copy out of guest memory first).
class View {
public:
    /// An entry of the memory reservation block (/memreserve/).
    struct Reservation {
        std::uint64_t address = 0;
        std::uint64_t size = 0;
    };

    /// nullopt, with the reason in `why` if asked, where the header is not one that libfdt takes.
    static std::optional<View> open(Bytes blob, std::string* why = nullptr);

    [[nodiscard]] Bytes blob() const { return blob_; }  // totalsize bytes
    [[nodiscard]] Offset root() const { return Offset{0}; }
    /// By full path ("/cpus/cpu@0"), never by alias; a name without unit address finds the first
    /// that fits.
    [[nodiscard]] std::optional<Offset> find(std::string_view path) const;
    [[nodiscard]] std::optional<Offset> child(Offset parent, std::string_view name) const;
    [[nodiscard]] std::optional<Offset> by_phandle(std::uint32_t phandle) const;
    [[nodiscard]] std::vector<Offset> children(Offset parent) const;
    /// Every node in document order; the root has depth 0. Returns false from `visit` to stop.
    void walk(const std::function<bool(Offset, int depth)>& visit) const;

    [[nodiscard]] std::vector<Reservation> reservations() const;

    [[nodiscard]] std::string_view name(Offset node) const;
    [[nodiscard]] std::string path(Offset node) const;

    [[nodiscard]] std::optional<Bytes> property(Offset node, std::string_view name) const;
    [[nodiscard]] bool has(Offset node, std::string_view name) const;
    /// Every property in the order of the blob.
    void each_property(Offset node,
                       const std::function<void(std::string_view, Bytes)>& visit) const;
    /// A property of exactly one cell (four bytes), of exactly two, or a text that ends in NUL.
    [[nodiscard]] std::optional<std::uint32_t> u32(Offset node, std::string_view name) const;
    [[nodiscard]] std::optional<std::uint64_t> u64(Offset node, std::string_view name) const;
    [[nodiscard]] std::optional<std::string> text(Offset node, std::string_view name) const;
    [[nodiscard]] std::vector<std::string> texts(Offset node, std::string_view name) const;
    [[nodiscard]] bool lists(Offset node, std::string_view name, std::string_view entry) const;

private:
    explicit View(Bytes blob) : blob_(blob) {}
    Bytes blob_;
};

/// Big-endian cells: the `index`th of them, which must be there.
[[nodiscard]] std::uint32_t cell(Bytes bytes, std::size_t index);
/// `cells` (0..2) cells from `index` on, as one number.
[[nodiscard]] std::uint64_t cells(Bytes bytes, std::size_t index, std::size_t count);

}  // namespace gh::fdt
