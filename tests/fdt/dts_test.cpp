// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/dts.h"

#include "base/error.h"
#include "fdt/node.h"

#include <array>

#include <doctest/doctest.h>

using namespace gh;
using namespace gh::fdt;

namespace {

std::string line_of(const std::function<void(Node&)>& set)
{
    Node root;
    set(root);
    const std::string dts = to_dts(flatten(root));
    const std::string before = "/dts-v1/;\n\n/ {\n\t";
    const std::string after = "\n};\n";
    REQUIRE(dts.size() > before.size() + after.size());
    return dts.substr(before.size(), dts.size() - before.size() - after.size());
}

}  // namespace

TEST_CASE("each kind of value is written as what it is")
{
    CHECK(line_of([](Node& n) { n.set_flag("always-on"); }) == "always-on;");
    CHECK(line_of([](Node& n) { n.set_text("method", "hvc"); }) == "method = \"hvc\";");
    CHECK(line_of([](Node& n) { n.set_texts("c", {"a", "b"}); }) == "c = \"a\", \"b\";");
    CHECK(line_of([](Node& n) { n.set_text("q", "a\"b\\"); }) == "q = \"a\\\"b\\\\\";");
    CHECK(line_of([](Node& n) { n.set_u64("reg", 0x8000'0000); }) == "reg = <0x0 0x80000000>;");
    CHECK(line_of([](Node& n) {
              n.set("b", std::array{std::byte{1}, std::byte{0xfe}});
          }) == "b = [01 fe];");
    CHECK(line_of([](Node& n) { n.set_text("e", ""); }) == "e = [00];");
    CHECK(line_of([](Node& n) { n.set_u32("zero", 0); }) == "zero = <0x0>;");
}

TEST_CASE("nodes are indented below one another")
{
    Node root;
    root.child("cpus").set_u32("#size-cells", 0);
    root.child("cpus").child("cpu@0").set_u32("reg", 0);
    CHECK(to_dts(flatten(root)) ==
          "/dts-v1/;\n\n/ {\n\tcpus {\n\t\t#size-cells = <0x0>;\n\n\t\tcpu@0 {\n"
          "\t\t\treg = <0x0>;\n\t\t};\n\t};\n};\n");
}

TEST_CASE("what is no devicetree is an error")
{
    CHECK_THROWS_AS((void)to_dts(std::vector<std::byte>(100)), Error);
}
