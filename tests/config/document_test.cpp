// SPDX-License-Identifier: BSD-3-Clause
#include "config/document.h"

#include <doctest/doctest.h>

using gh::config::Complaints;
using gh::config::ConfigError;
using gh::config::describe;
using gh::config::Node;
using gh::config::node_at;
using gh::config::parse_document;

namespace {

Node tree(const std::string& text)
{
    Complaints complaints{"f"};
    auto root = parse_document(text, complaints);
    complaints.throw_if_any();
    return *root;
}

std::string syntax_error(const std::string& text)
{
    try {
        (void)tree(text);
        return "none";
    } catch (const ConfigError& error) {
        return error.what();
    }
}

std::string where(const std::string& text, const std::string& path)
{
    const Node root = tree(text);
    const auto place = node_at(root, path).place;
    return std::to_string(place.line) + ":" + std::to_string(place.column);
}

}  // namespace

TEST_CASE("every value knows its line and column")
{
    const std::string text = "{\n  \"a\" : 17 ,\n  \"b\": [true,\n null, {\"c\": \"x\\\"y\"}]\n}";
    CHECK(where(text, "") == "1:1");
    CHECK(where(text, "a") == "2:9");
    CHECK(where(text, "b") == "3:8");
    CHECK(where(text, "b.0") == "3:9");
    CHECK(where(text, "b.1") == "4:2");
    CHECK(where(text, "b.2.c") == "4:14");
}

TEST_CASE("numbers that end at a bracket do not move what follows")
{
    CHECK(where("[[1],2]", "1") == "1:6");
    CHECK(where("[1 , 2]", "1") == "1:6");
    CHECK(where(R"({"a":-1.5e3,"b":2})", "b") == "1:17");
}

TEST_CASE("a key knows its place as well")
{
    const Node root = tree("{\"a\":1,\n \"b\":2}");
    CHECK(root.members[1].place.line == 2);
    CHECK(root.members[1].place.column == 2);
}

TEST_CASE("comments stand between any two words, and values behind them know their place")
{
    const Node root = tree("// {\n{\"a\" /* \"b\" */ : // 1\n /**/ 2} // end");
    CHECK(root.members[0].place.line == 2);
    CHECK(root.members[0].place.column == 2);
    CHECK(root.members[0].value.place.line == 3);
    CHECK(root.members[0].value.place.column == 7);
    CHECK(tree("\"// no comment\"").text == "// no comment");
}

TEST_CASE("a byte order mark is no column")
{
    CHECK(where("\xef\xbb\xbf[1]", "") == "1:4");
    CHECK(syntax_error("\xef\xbb\xbf{}") == "none");
}

TEST_CASE("a number is an integer of 64 bits or keeps its spelling")
{
    CHECK(tree("18446744073709551615").integer == 18446744073709551615u);
    CHECK(tree("18446744073709551616").type == Node::Type::OtherNumber);
    CHECK(describe(tree("18446744073709551616")) == "18446744073709551616");
    CHECK(describe(tree("[-5]").items[0]) == "-5");
    CHECK(describe(tree("1.50")) == "1.50");
}

TEST_CASE("what a message shows of a value is short")
{
    CHECK(describe(tree("{}")) == "an object");
    CHECK(describe(tree("[1]")) == "a list of 1 value");
    CHECK(describe(tree(R"("a\nb")")) == R"("a\nb")");
    CHECK(describe(tree('"' + std::string(1000, 'x') + '"')).size() < 80);
}

TEST_CASE("a syntax error says where, what and why")
{
    CHECK(syntax_error("{\"a\":1,}") ==
          "f:1:8: not JSON: object key - unexpected '}'; expected string literal"
          "; the comma before it is one too many");
    CHECK(syntax_error("{\n# x\n}").starts_with("f:2:1: not JSON: "));
    CHECK(syntax_error("{\n# x\n}").ends_with("; a comment begins with //"));
    CHECK(syntax_error("{} /* no end").starts_with("f:1:4: "));
    CHECK(syntax_error("{'a': 1}").ends_with("; JSON strings stand in double quotes"));
    CHECK(syntax_error("{\"a\": 0x10}").find("such as \"0x80000000\"") != std::string::npos);
    CHECK(syntax_error("{\"a\": 1\n\"b\": 2}").ends_with("; is a comma missing before it?"));
    CHECK(syntax_error("{\"a\": tru}").starts_with("f:1:7: "));
    CHECK(syntax_error("{} x").starts_with("f:1:4: "));
    CHECK(syntax_error("[1,2").starts_with("f:1:5: "));
    CHECK(syntax_error("").starts_with("f:1:1: "));
}

TEST_CASE("a file that is no text at all is named for what it is")
{
    using namespace std::string_literals;
    CHECK(syntax_error(" \n").starts_with("f:1:1: not JSON: the file is empty; expected"));
    CHECK(syntax_error("\xef\xbb\xbf").starts_with("f:1:1: not JSON: the file is empty"));
    CHECK(syntax_error("\xff\xfe{\0}\0"s) ==
          "f:1:1: not JSON: the file is in UTF-16; save it as UTF-8");
    CHECK(syntax_error("\x7f"s
                       "ELF\2\1\1\0\0"s)
              .starts_with("f:1:1: not JSON: the file has bytes that no text has"));
}

TEST_CASE("a tower of brackets is refused, not recursed into")
{
    CHECK(syntax_error(std::string(1'000'000, '[')) ==
          "f:1:33: got values nested more than 32 deep");
}
