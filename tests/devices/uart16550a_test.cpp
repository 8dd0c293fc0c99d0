// SPDX-License-Identifier: BSD-3-Clause
#include "devices/uart16550a.h"

#include <numeric>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace gh {
namespace {

struct Line final : SerialHost {
    bool send(std::span<const std::uint8_t> bytes) noexcept override
    {
        sent.append(bytes.begin(), bytes.end());
        return takes_more;
    }
    void input_wanted() noexcept override { ++invitations; }

    std::string sent;
    bool takes_more = true;
    int invitations = 0;
};

struct Fixture {
    std::uint8_t in(unsigned offset)
    {
        return static_cast<std::uint8_t>(uart.read({.offset = offset, .size = 1}));
    }
    void out(unsigned offset, unsigned value) { uart.write({.offset = offset, .size = 1}, value); }
    std::uint64_t pulses() { return irq.event().drain(); }
    void type(const std::string& text)
    {
        const std::vector<std::uint8_t> bytes(text.begin(), text.end());
        uart.receive(bytes);
    }
    // As Linux opens the port: FIFO on, trigger at 8, receive interrupts.
    void start_driver()
    {
        out(2, 0x81);
        out(1, 0x05);
        (void)pulses();
    }

    IrqLine irq;
    Line host;
    Uart16550a uart{irq, host};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "Linux's autoconfig finds a 16550A and nothing better")
{
    out(1, 0);
    CHECK((in(1) & 0x0f) == 0);
    out(1, 0x0f);
    CHECK(in(1) == 0x0f);
    out(1, 0);
    out(4, 0x1a);  // loopback: OUT2 and RTS come back as DCD and CTS
    CHECK((in(6) & 0xf0) == 0x90);
    out(4, 0);
    out(2, 1);
    CHECK((in(2) & 0xc0) == 0xc0);  // FIFOs that work
    out(3, 0x80);
    CHECK(in(2) != 0);  // no EFR: no 16650
    out(3, 0);
    out(2, 0x21);
    CHECK((in(2) & 0x20) == 0);  // no 64-byte FIFO: no 16750
    out(1, 0x40);
    CHECK(in(1) == 0);  // no UUE: no XScale
}

TEST_CASE_FIXTURE(Fixture, "the divisor latches hide behind DLAB")
{
    out(3, 0x83);
    out(0, 0x0c);
    out(1, 0x01);
    CHECK(in(0) == 0x0c);
    CHECK(in(1) == 0x01);
    out(3, 0x03);
    CHECK(in(1) == 0);
    CHECK(host.sent.empty());
}

TEST_CASE_FIXTURE(Fixture, "the scratch register keeps a byte")
{
    out(7, 0xa5);
    CHECK(in(7) == 0xa5);
}

TEST_CASE_FIXTURE(Fixture, "enabling the transmit interrupt of an empty port interrupts, each time")
{
    out(1, 2);
    CHECK(pulses() == 1);
    CHECK(in(2) == 0x02);
    CHECK(in(2) == 0x01);  // reading its name answered it
    out(1, 0);
    out(1, 2);
    CHECK(pulses() == 1);
    CHECK(in(2) == 0x02);
}

TEST_CASE_FIXTURE(Fixture, "a byte that is sent makes the transmitter empty again")
{
    out(1, 2);
    CHECK(in(2) == 0x02);
    (void)pulses();
    for (const char c : std::string("hello"))
        out(0, static_cast<unsigned char>(c));
    CHECK(host.sent == "hello");
    CHECK(pulses() == 1);  // one edge until somebody looks
    CHECK(in(2) == 0x02);
}

TEST_CASE_FIXTURE(Fixture, "a host that takes no more empties the transmitter only when it does")
{
    out(1, 2);
    CHECK(in(2) == 0x02);
    host.takes_more = false;
    out(0, 'a');
    CHECK((in(5) & 0x60) == 0);
    CHECK(in(2) == 0x01);
    (void)pulses();
    uart.resume_sending();
    CHECK(pulses() == 1);
    CHECK((in(5) & 0x60) == 0x60);
    CHECK(in(2) == 0x02);
}

TEST_CASE_FIXTURE(Fixture, "input below the trigger level is a time-out, above it received data")
{
    start_driver();
    type("1234567");
    CHECK(in(2) == 0xcc);
    CHECK(pulses() == 1);
    type("8");
    CHECK(in(2) == 0xc4);
    CHECK((in(5) & 1) == 1);
    std::string got;
    while ((in(5) & 1) != 0)
        got.push_back(static_cast<char>(in(0)));
    CHECK(got == "12345678");
    CHECK(in(2) == 0xc1);
}

TEST_CASE_FIXTURE(Fixture, "input that comes after the FIFO was read empty interrupts again")
{
    start_driver();
    type("a");
    (void)pulses();
    CHECK(in(0) == 'a');
    type("b");
    CHECK(pulses() == 1);
}

TEST_CASE_FIXTURE(Fixture, "input that comes while transmission waits to be seen has its own edge")
{
    start_driver();
    out(1, 0x07);
    CHECK(pulses() == 1);
    type("a");
    CHECK(pulses() == 1);
    CHECK(in(2) == 0xcc);  // input goes first
}

TEST_CASE_FIXTURE(Fixture,
                  "no input is taken before a driver listens, and none is lost as it starts")
{
    CHECK(uart.room() == 0);
    start_driver();
    CHECK(uart.room() == 16);
    CHECK(host.invitations == 1);
}

TEST_CASE_FIXTURE(Fixture, "a byte that comes between Linux's IER and FCR writes is not lost")
{
    out(2, 0);
    out(1, 0x05);
    CHECK(uart.room() == 1);
    type("n");
    out(2, 0x01);
    out(2, 0x81);
    CHECK(in(0) == 'n');
}

TEST_CASE_FIXTURE(Fixture, "a full FIFO has no room until it has been read empty")
{
    start_driver();
    type(std::string(16, 'x'));
    CHECK(uart.room() == 0);
    host.invitations = 0;
    for (int i = 0; i < 15; ++i)
        (void)in(0);
    CHECK(host.invitations == 0);
    (void)in(0);
    CHECK(host.invitations == 1);
}

TEST_CASE_FIXTURE(Fixture, "a guest that only polls gets input without interrupts")
{
    for (int i = 0; i < 300; ++i)
        (void)in(5);
    CHECK(uart.room() == 1);
    CHECK(host.invitations == 1);
    type("k");
    CHECK((in(5) & 1) == 1);
    CHECK(in(0) == 'k');
    CHECK(pulses() == 0);
}

TEST_CASE_FIXTURE(Fixture, "looped back, bytes return and an overrun is told once")
{
    start_driver();
    out(4, 0x10);
    for (unsigned i = 0; i < 17; ++i)
        out(0, i);
    CHECK(host.sent.empty());
    CHECK(in(2) == 0xc6);  // line status goes first
    CHECK((in(5) & 2) == 2);
    CHECK((in(5) & 2) == 0);
    CHECK(in(0) == 0);
    CHECK(in(0) == 1);
}

TEST_CASE_FIXTURE(Fixture, "modem lines that move in loopback interrupt once")
{
    out(4, 0x10);
    (void)in(6);
    out(1, 8);
    out(4, 0x12);
    CHECK(pulses() == 1);
    CHECK(in(2) == 0x00);
    CHECK(in(6) == 0x11);
    CHECK(in(6) == 0x10);
    CHECK(in(2) == 0x01);
}

TEST_CASE_FIXTURE(Fixture, "a break is a null byte with its flag in the line status")
{
    start_driver();
    uart.receive_break();
    CHECK(pulses() == 1);
    CHECK(in(2) == 0xc6);
    CHECK((in(5) & 0x11) == 0x11);
    CHECK(in(0) == 0);
}

TEST_CASE_FIXTURE(Fixture, "clearing the FIFO forgets what was in it")
{
    start_driver();
    type("abc");
    out(2, 0x83);
    CHECK((in(5) & 1) == 0);
    CHECK(in(2) == 0xc1);
}

// The loop of Linux's 8250 driver over random traffic: it looks only when an edge came, until
// nothing is pending. If the port ever forgot an edge, it would stop with work left.
TEST_CASE_FIXTURE(Fixture, "a driver that looks only after an edge never hangs")
{
    start_driver();
    unsigned seed = 1;
    std::size_t to_send = 0;
    std::size_t typed = 0;
    std::size_t read = 0;
    const auto handle = [&] {
        while ((in(2) & 1) == 0) {
            while ((in(5) & 1) != 0) {
                (void)in(0);
                ++read;
            }
            if ((in(5) & 0x20) != 0)
                for (int i = 0; i < 16 && to_send != 0; ++i, --to_send)
                    out(0, 'x');
            if (to_send == 0)
                out(1, 0x05);
        }
    };
    for (int step = 0; step < 20000; ++step) {
        seed = seed * 1103515245 + 12345;
        const unsigned dice = seed >> 16;
        if (dice % 3 == 0 && uart.room() != 0) {
            type("k");
            ++typed;
        } else if (dice % 3 == 1) {
            to_send += 1 + dice % 40;
            out(1, 0x07);
        } else if (dice % 7 == 0) {
            host.takes_more = !host.takes_more;
            if (host.takes_more)
                uart.resume_sending();
        }
        if (pulses() != 0)
            handle();
    }
    host.takes_more = true;
    uart.resume_sending();
    while (pulses() != 0)
        handle();
    CHECK(to_send == 0);
    CHECK(read == typed);
}

}  // namespace gh
