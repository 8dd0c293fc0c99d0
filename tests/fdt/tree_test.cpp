// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/tree.h"

#include "base/error.h"
#include "fdt/node.h"
#include "probe_tree.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace gh;
using namespace gh::fdt;

namespace {

/// An overlay that sets `cell` = 7 in the node at `path`.
std::vector<std::byte> overlay_for(const std::string& path)
{
    Node root;
    Node& fragment = root.child("fragment@0").set_text("target-path", path);
    fragment.child("__overlay__").set_u32("cell", 7);
    return flatten(root);
}

}  // namespace

TEST_CASE("a tree flattened and read again is the same")
{
    const auto blob = flatten(probe_tree());
    CHECK(flatten(unflatten(*View::open(blob))) == blob);
}

TEST_CASE("edits are seen, however much they grow the tree")
{
    const auto blob = flatten(probe_tree());
    Tree tree(*View::open(blob));
    const Offset parent = tree.add_node(tree.root(), "hypervisor");
    for (int i = 0; i < 200; i++) {
        const Offset node = tree.add_node(parent, "bell-" + std::to_string(i));
        tree.set_texts(node, "compatible", {"qcom,gunyah-doorbell", "qcom,gunyah-capability"});
    }
    const auto packed = tree.pack();
    const auto view = *View::open(packed);
    CHECK(view.children(*view.find("/hypervisor")).size() == 200);
    CHECK(view.name(view.children(*view.find("/hypervisor"))[0]) == "bell-199");
    CHECK(view.lists(*view.find("/hypervisor/bell-7"), "compatible", "qcom,gunyah-capability"));
    CHECK(view.text(*view.find("/chosen"), "bootargs") == "probe");
}

TEST_CASE("a packed tree has no slack and a property that is gone is gone")
{
    const auto blob = flatten(probe_tree());
    Tree tree(*View::open(blob));
    CHECK(tree.pack() == blob);
    tree.remove(*tree.find("/chosen"), "bootargs");
    CHECK_FALSE(tree.view().has(*tree.find("/chosen"), "bootargs"));
    CHECK(tree.new_phandle() == kGicPhandle + 1);
}

TEST_CASE("an overlay is applied, and one without a target is an error that names it")
{
    const auto base = flatten(probe_tree());
    const auto result = apply_overlay(base, overlay_for("/chosen"), "o.dtbo");
    const auto view = *View::open(result);
    CHECK(view.u32(*view.find("/chosen"), "cell") == 7u);
    CHECK_THROWS_WITH_AS((void)apply_overlay(base, overlay_for("/nosuch"), "o.dtbo"),
                         doctest::Contains("o.dtbo"), Error);
    CHECK_THROWS_WITH_AS((void)apply_overlay(base, std::vector<std::byte>(9), "o.dtbo"),
                         doctest::Contains("not a devicetree overlay"), Error);
}

TEST_CASE("numbers are read only in the size that is asked for")
{
    Node root;
    root.set_u32("one", 5).set_u64("two", 0x1'0000'0002);
    const auto blob = flatten(root);
    const auto view = *View::open(blob);
    CHECK(view.u32(view.root(), "one") == 5u);
    CHECK_FALSE(view.u64(view.root(), "one").has_value());
    CHECK(view.u64(view.root(), "two") == 0x1'0000'0002u);
    CHECK_FALSE(view.u32(view.root(), "two").has_value());
    CHECK_FALSE(view.text(view.root(), "nosuch").has_value());
}

TEST_CASE("no byte of a blob can make reading leave it")
{
    const auto good = flatten(probe_tree());
    for (std::size_t i = 0; i < good.size(); i++) {
        auto bad = good;
        bad[i] = ~bad[i];
        const auto view = View::open(bad);
        if (!view)
            continue;
        std::size_t bytes = 0;
        view->walk([&](Offset node, int) {
            view->each_property(node,
                                [&](std::string_view, Bytes value) { bytes += value.size(); });
            return true;
        });
        CHECK(bytes <= good.size());
    }
}

TEST_CASE("a property that reaches beyond the structure makes it no tree")
{
    const auto blob = flatten(probe_tree());
    const auto bytes = std::span(blob);
    const std::size_t structure = cell(bytes, 2);
    // The first property of the root comes behind FDT_BEGIN_NODE and an empty name.
    const std::size_t length_at = structure + 12;
    REQUIRE(cell(bytes, (length_at - 4) / 4) == 3);  // FDT_PROP
    // libfdt took -12 to -1 for lengths, the first of which keeps it in place for ever.
    for (const std::uint32_t length : {0xffff'fff4u, 0xffff'ffffu, 0x7fff'ffffu, 0x10'0000u}) {
        auto damaged = blob;
        for (std::size_t i = 0; i < 4; ++i)
            damaged[length_at + i] = static_cast<std::byte>(length >> (24 - 8 * i));
        std::string why;
        CHECK_FALSE(View::open(damaged, &why));
        CHECK(why == "a property is longer than the devicetree");
    }
}

TEST_CASE("what libfdt would follow or search for ever makes it no tree, or is not followed")
{
    std::string why;
    SUBCASE("versions before 16, which align values otherwise")
    {
        auto old = flatten(probe_tree());
        old[23] = std::byte{3};  // version
        old[27] = std::byte{1};  // last_comp_version
        CHECK_FALSE(View::open(old, &why));
        CHECK(why == "a version before 16");
    }
    SUBCASE("a property's name without an end in sight")
    {
        Node root;
        root.set_flag(std::string(300, 'n'));
        CHECK_FALSE(View::open(flatten(root), &why));
        CHECK(why == "the name of a property is longer than 255 characters");
    }
    SUBCASE("an alias of itself")
    {
        Node root;
        root.child("aliases").set_text("a", "a");
        const auto blob = flatten(root);
        CHECK_FALSE(View::open(blob)->find("a"));
    }
}
