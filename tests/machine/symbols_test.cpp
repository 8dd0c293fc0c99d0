// SPDX-License-Identifier: BSD-3-Clause
#include "machine/symbols.h"

#include "base/error.h"

#include <doctest/doctest.h>

namespace gh::machine {
namespace {

// nm, System.map and kallsyms in one, out of order.
const Symbols& kernel()
{
    static const Symbols symbols(
        "ffff800008010800 T vectors\n"
        "ffff800008000000 t _head\n"
        "                 U nobody\n"
        "ffff800008020000 T do_this\r\n"
        "ffff800008020010 D not_code\n"
        "ffff800008020020 t $x\n"
        "ffff800008020100 W do_that\n"
        "ffff800001000000 t of_a_module\t[ext4]\n"
        "not a line",
        "map");
    return symbols;
}

}  // namespace

TEST_CASE("an address has the name of the function that it is in")
{
    CHECK(kernel().find(0xffff'8000'0802'0000) == "do_this");
    CHECK(kernel().find(0xffff'8000'0802'0024) == "do_this+0x24");
    CHECK(kernel().function(0xffff'8000'0802'0104) == "do_that");
}

TEST_CASE("what is before all functions or far behind one has no name")
{
    CHECK(kernel().find(0xffff'8000'07ff'ffff) == std::nullopt);
    CHECK(kernel().find(0xffff'8000'0100'0000) == std::nullopt);
    CHECK(kernel().find(0xffff'8000'0900'0000) == std::nullopt);
}

TEST_CASE("VBAR_EL1 tells how far KASLR moved the kernel, if it is at the vectors")
{
    CHECK(kernel().displacement(0xffff'8000'0801'0800) == 0);
    CHECK(kernel().displacement(0xffff'd00a'1231'0800) == 0x500a'0a30'0000);
    CHECK(kernel().displacement(0xffff'd00a'1231'1000) == std::nullopt);
    CHECK(kernel().displacement(0) == std::nullopt);
    CHECK(Symbols().displacement(0xffff'8000'0801'0800) == std::nullopt);
}

TEST_CASE("a file without functions, or without their addresses, is a mistake")
{
    CHECK_THROWS_AS(Symbols("hello\n", "map"), Error);
    CHECK_THROWS_WITH_AS(Symbols("0000000000000000 T vectors\n", "map"),
                         "all addresses in map are 0: copy /proc/kallsyms as root", Error);
    CHECK_THROWS_AS((void)Symbols::read("/nonexistent/System.map"), Error);
}

}  // namespace gh::machine
