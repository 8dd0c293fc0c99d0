// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/registers.h"

#include "debugged.h"

#include <doctest/doctest.h>

namespace gh::gdb {
namespace {

struct Fixture {
    template <class Body>
    void with(Body body)
    {
        bool done = false;
        REQUIRE(guest.debugger->with(0, [&](cpu::Cpu& pe) {
            body(pe);
            done = true;
        }));
        REQUIRE(done);
    }
    Debugged guest;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "all registers come in GDB's order, as memory has them")
{
    with([](cpu::Cpu& pe) {
        pe.state().x[0] = 0x0123'4567'89ab'cdef;
        const std::string all = read_registers(pe);
        CHECK(all.size() == 2 * (33 * 8 + 4 + 32 * 16 + 4 + 4));
        CHECK(all.starts_with("efcdab8967452301"));
        CHECK(all.substr(2 * 32 * 8, 16) == "0000008000000000");  // pc
        CHECK(all.substr(2 * 33 * 8, 8) == "c5030000");           // EL1h, DAIF
        CHECK(read_register(pe, 0) == "efcdab8967452301");
    });
}

TEST_CASE_FIXTURE(Fixture, "what was read can be written back, and changed")
{
    with([](cpu::Cpu& pe) {
        std::string all = read_registers(pe);
        CHECK(write_registers(pe, all));
        CHECK(read_registers(pe) == all);
        CHECK(write_register(pe, 34, "00112233445566778899aabbccddeeff"));
        CHECK(pe.state().v[0].d[0] == 0x7766'5544'3322'1100);
        CHECK(write_register(pe, 32, "0800008000000000"));
        CHECK(pe.state().pc == 0x8000'0008);
    });
}

TEST_CASE_FIXTURE(Fixture, "CPSR's flags and masks can be written, its exception level not")
{
    with([](cpu::Cpu& pe) {
        CHECK(write_register(pe, 33, "000000f0"));
        CHECK(pe.state().nzcv == 0xf000'0000);
        CHECK(pe.state().daif == 0);
        CHECK(pe.state().el == 1);
    });
}

TEST_CASE_FIXTURE(Fixture, "what is no register, or of another size, is refused")
{
    with([](cpu::Cpu& pe) {
        CHECK_FALSE(read_register(pe, 1000));
        CHECK_FALSE(read_register(pe, ~std::size_t{0}));
        CHECK_FALSE(write_register(pe, 1000, "00"));
        CHECK_FALSE(write_register(pe, 0, "00"));
        CHECK_FALSE(write_register(pe, 33, "0000000000000000"));
        CHECK_FALSE(write_register(pe, 68, "0000000000000000"));  // ESR_EL1
        CHECK_FALSE(write_registers(pe, "00"));
    });
}

TEST_CASE("the description names each register that is there, and no other")
{
    Fixture fixture;
    const std::string& text = target_description();
    std::size_t count = 0;
    for (std::size_t at = text.find("<reg "); at != std::string::npos;
         at = text.find("<reg ", at + 1))
        ++count;
    fixture.with([&](cpu::Cpu& pe) {
        CHECK(read_register(pe, count - 1));
        CHECK_FALSE(read_register(pe, count));
    });
}

}  // namespace gh::gdb
