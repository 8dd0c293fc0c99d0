// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/packet.h"

#include <vector>

#include <doctest/doctest.h>

namespace gh::gdb {
namespace {

using Kind = Incoming::Kind;

std::vector<Incoming> all_of(PacketReader& reader, std::string_view text)
{
    reader.add(text);
    std::vector<Incoming> all;
    while (auto incoming = reader.next())
        all.push_back(std::move(*incoming));
    return all;
}

}  // namespace

TEST_CASE("a packet is what stands between $ and # if its sum is right")
{
    PacketReader reader;
    const auto all = all_of(reader, "+$qC#b4+$g#67");
    REQUIRE(all.size() == 2);
    CHECK(all[0].kind == Kind::Packet);
    CHECK(all[0].body == "qC");
    CHECK(all[1].body == "g");
}

TEST_CASE("a packet may come byte by byte")
{
    PacketReader reader;
    const std::string text = "$qC#b4";
    for (std::size_t i = 0; i + 1 < text.size(); ++i)
        CHECK(all_of(reader, text.substr(i, 1)).empty());
    CHECK(all_of(reader, "4").at(0).body == "qC");
}

TEST_CASE("what is wrong is asked for again, and what comes next is not lost")
{
    for (const char* bad : {"$qC#b5", "$qC#zz", "$qC#4b"}) {
        PacketReader reader;
        const auto all = all_of(reader, bad + std::string("$g#67"));
        REQUIRE(all.size() == 2);
        CHECK(all[0].kind == Kind::Damaged);
        CHECK(all[1].body == "g");
    }
}

TEST_CASE("a packet that is too long is refused without being kept")
{
    PacketReader reader;
    CHECK(all_of(reader, "$" + std::string(100 * kMaxPacket, 'a')).empty());
    const auto all = all_of(reader, "#00$g#67");
    REQUIRE(all.size() == 2);
    CHECK(all[0].kind == Kind::Damaged);
    CHECK(all[1].body == "g");
}

TEST_CASE("the largest packet is taken")
{
    PacketReader reader;
    const std::string body(kMaxPacket, 'x');
    CHECK(all_of(reader, frame(body)).at(0).body == body);
}

TEST_CASE("Ctrl-C counts outside of packets only")
{
    PacketReader reader;
    CHECK(all_of(reader, "\x03").at(0).kind == Kind::Interrupt);
    CHECK(all_of(reader, frame("a\x03z")).at(0).body == "a\x03z");
}

TEST_CASE("a packet that was cut off gives way to the next")
{
    PacketReader reader;
    const auto all = all_of(reader, "$qSuppo$g#67");
    REQUIRE(all.size() == 1);
    CHECK(all[0].body == "g");
}

TEST_CASE("garbage between packets is skipped, and a minus asks to send again")
{
    PacketReader reader;
    const auto all = all_of(reader, "GET / HTTP/1.1\r\n\r\n#12-$g#67");
    REQUIRE(all.size() == 2);
    CHECK(all[0].kind == Kind::Resend);
    CHECK(all[1].body == "g");
}

TEST_CASE("whatever a body holds comes back from its frame")
{
    std::string body;
    for (int c = 0; c < 256; ++c)
        body += static_cast<char>(c);
    PacketReader reader;
    CHECK(all_of(reader, frame(body)).at(0).body == body);
}

TEST_CASE("numbers have 1 to 16 digits")
{
    std::string_view text = "ffff000012345678,8";
    CHECK(take_number(text) == 0xffff'0000'1234'5678u);
    CHECK(text == ",8");
    for (std::string_view bad : {"", ",", "x1", "12345678123456781"})
        CHECK_FALSE(take_number(bad));
    CHECK(from_hex("0aFf") == std::string("\x0a\xff"));
    CHECK_FALSE(from_hex("0af"));
    CHECK_FALSE(from_hex("0g"));
}

}  // namespace gh::gdb
