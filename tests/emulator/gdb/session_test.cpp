// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/session.h"

#include "debugged.h"
#include "emulator/gdb/packet.h"

#include <array>

#include <doctest/doctest.h>

#include <poll.h>

namespace gh::gdb {
namespace {

struct Fixture {
    std::string ask(std::string_view packet) { return session.answer(packet).value_or("(none)"); }
    /// Lets the guest go and returns why it stopped.
    std::string go(std::string_view packet)
    {
        REQUIRE_FALSE(session.answer(packet));
        return wait();
    }
    std::string wait()
    {
        auto reply = session.stop_reply();
        while (!reply) {
            pollfd event{.fd = guest.debugger->event().get(), .events = POLLIN, .revents = 0};
            REQUIRE(::poll(&event, 1, 60'000) == 1);
            guest.debugger->event().drain();
            reply = session.stop_reply();
        }
        return *reply;
    }

    Debugged guest{2};
    int kills = 0;
    std::string commanded;
    MachineHooks hooks{.kill = [this] { ++kills; },
                       .monitor =
                           [this](std::string_view command) {
                               commanded = command;
                               return std::string("done\n");
                           }};
    Session session{*guest.debugger, hooks};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "GDB's greeting is answered")
{
    CHECK(ask("qSupported:multiprocess+;swbreak+").find("qXfer:features:read+") !=
          std::string::npos);
    CHECK(ask("?") == "T02thread:1;");
    CHECK(ask("vCont?") == "vCont;c;C;s;S");
    CHECK(ask("qfThreadInfo") == "m1,2");
    CHECK(ask("qsThreadInfo") == "l");
    CHECK(ask("qC") == "QC1");
    CHECK(ask("qAttached") == "1");
    CHECK(ask("T2") == "OK");
    CHECK(ask("T3") == "E01");
    CHECK(from_hex(ask("qThreadExtraInfo,2")) == "vCPU 1, EL1");
    CHECK_FALSE(session.without_acks());
    CHECK(ask("QStartNoAckMode") == "OK");
    CHECK(session.without_acks());
}

TEST_CASE_FIXTURE(Fixture, "the description comes in pieces")
{
    std::string text;
    std::string piece;
    do {
        piece = ask("qXfer:features:read:target.xml:" + to_hex({}) +
                    (text.empty() ? std::string("0") : [&] {
                        std::array<char, 20> digits{};
                        (void)std::snprintf(digits.data(), digits.size(), "%zx", text.size());
                        return std::string(digits.data());
                    }()) +
                    ",100");
        text += piece.substr(1);
    } while (piece.front() == 'm');
    CHECK(piece.front() == 'l');
    CHECK(text.ends_with("</target>\n"));
}

TEST_CASE_FIXTURE(Fixture, "one vCPU steps while the other stays, or goes")
{
    CHECK(go("vCont;s:2") == "T05thread:2;");
    CHECK(ask("p20") == "0400008000000000");  // whoever stopped is meant
    CHECK(ask("Hg1") == "OK");
    CHECK(ask("p20") == "0000008000000000");
    CHECK(go("vCont;s:1;c") == "T05thread:1;");
    CHECK(ask("p20") == "0400008000000000");
    CHECK(go("s") == "T05thread:1;");
    CHECK(ask("p20") == "0800008000000000");
}

TEST_CASE_FIXTURE(Fixture, "breakpoints of both kinds stop, and not once they are gone")
{
    for (const char* kind : {"0", "1"}) {
        CHECK(ask("Z" + std::string(kind) + ",80000008,4") == "OK");
        CHECK(ask("Z" + std::string(kind) + ",80000008,4") == "OK");
        CHECK(go("vCont;s:1") == "T05thread:1;");
        CHECK(go("vCont;c:1") == "T05thread:1;");
        CHECK(ask("p20") == "0800008000000000");
        CHECK(ask("z" + std::string(kind) + ",80000008,4") == "OK");
    }
    CHECK_FALSE(session.answer("c"));
    const std::uint64_t before = guest.counted();
    while (guest.counted() < before + 1000)
        CHECK_FALSE(session.stop_reply());
    session.interrupt();
    CHECK(wait() == "T02thread:1;");
}

TEST_CASE_FIXTURE(Fixture, "watchpoints say where and what")
{
    CHECK(ask("Z2,80002000,8") == "OK");
    CHECK(go("vCont;c:1") == "T05thread:1;watch:80002000;");
    CHECK(ask("z2,80002000,8") == "OK");
    CHECK(ask("Z4,80002004,1") == "OK");
    CHECK(go("vCont;c:1") == "T05thread:1;awatch:80002004;");
    CHECK(ask("z4,80002004,1") == "OK");
}

TEST_CASE_FIXTURE(Fixture, "memory is read and written, and a stop point is not in it")
{
    CHECK(ask("m80000000,4") == "63040091");
    CHECK(ask("Z0,80000000,4") == "OK");
    CHECK(ask("m80000000,4") == "63040091");
    CHECK(ask("M80003000,2:abcd") == "OK");
    CHECK(ask("m80003000,2") == "abcd");
    CHECK(ask("X80003000,2:zz") == "OK");
    CHECK(ask("m80003000,2") == "7a7a");
    CHECK(ask("m80003ffe,8") == "0000");
    CHECK(ask("m1000,4") == "E0e");
    CHECK(ask("M1000,1:00") == "E0e");
}

TEST_CASE_FIXTURE(Fixture, "registers are written one by one and all at once")
{
    CHECK(ask("P3=2a00000000000000") == "OK");
    CHECK(ask("p3") == "2a00000000000000");
    const std::string all = ask("g");
    CHECK(ask("G" + all) == "OK");
    CHECK(ask("g") == all);
}

TEST_CASE_FIXTURE(Fixture, "while the guest runs nothing but Ctrl-C is taken")
{
    CHECK_FALSE(session.answer("vCont;c"));
    CHECK(ask("g") == "E01");
    CHECK(ask("m80000000,4") == "E01");
    session.interrupt();
    CHECK(wait() == "T02thread:1;");
    session.interrupt();  // it stands: there is nothing to tell
    CHECK_FALSE(session.stop_reply());
    CHECK(ask("g").size() > 1000);
}

TEST_CASE_FIXTURE(Fixture, "detach lets the guest go without stop points")
{
    CHECK(ask("Z0,80000000,4") == "OK");
    CHECK(ask("D") == "OK");
    CHECK(session.over());
    const std::uint64_t before = guest.counted();
    while (guest.counted() < before + 1000)
        std::this_thread::yield();
}

TEST_CASE_FIXTURE(Fixture, "kill and monitor reach the machine")
{
    CHECK(from_hex(ask("qRcmd,68656c70")) == "done\n");
    CHECK(commanded == "help");
    CHECK_FALSE(session.answer("k"));
    CHECK(kills == 1);
    CHECK(session.over());
}

TEST_CASE_FIXTURE(Fixture, "the end of the VM is told")
{
    CHECK_FALSE(session.answer("vCont;c"));
    guest.vm->stop();
    CHECK(wait() == "W00");
    CHECK(session.over());
}

TEST_CASE_FIXTURE(Fixture, "packets that make no sense are refused")
{
    for (const char* bad : {"m",
                            "m,",
                            "mzz,4",
                            "m80000000",
                            "m80000000,4,4",
                            "M80003000,2:ab",
                            "M80003000,2:zzzz",
                            "X80003000,3:zz",
                            "Z0",
                            "Z0,",
                            "Z0,80000001,4",
                            "Z2,80002000,0",
                            "Z2,ffffffffffffffff,2",
                            "P",
                            "P3",
                            "P3=",
                            "P3=zz",
                            "Hg9",
                            "Hg",
                            "H",
                            "p",
                            "pzz",
                            "Gab",
                            "vCont;",
                            "vCont;x",
                            "vCont;s:9",
                            "vCont",
                            "vCont;C",
                            "c80000000",
                            "qRcmd,x",
                            "qXfer:features:read:target.xml:",
                            "T",
                            "Tx"})
        CHECK_MESSAGE(ask(bad) == "E01", bad);
    for (const char* unknown : {"", "!", "Z5,0,0", "vMustReplyEmpty", "qOffsets", "QNonStop:1"})
        CHECK_MESSAGE(ask(unknown).empty(), unknown);
    CHECK(go("vCont;s:1") == "T05thread:1;");
}

TEST_CASE_FIXTURE(Fixture, "nobody can have more stop points than there is room for")
{
    std::string last;
    for (unsigned n = 0; n < 300; ++n) {
        std::array<char, 32> packet{};
        (void)std::snprintf(packet.data(), packet.size(), "Z0,%x,4", 0x9000'0000u + 4 * n);
        last = ask(packet.data());
    }
    CHECK(last == "E01");
}

}  // namespace gh::gdb
