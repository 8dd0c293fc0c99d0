// SPDX-License-Identifier: BSD-3-Clause
#include "devices/uart16550a.h"

#include "base/bits.h"

namespace gh {
namespace {

constexpr std::uint8_t kIerRx = 0x01, kIerThre = 0x02, kIerLine = 0x04, kIerModem = 0x08;
constexpr std::uint8_t kFcrEnable = 0x01, kFcrClearRx = 0x02;
constexpr std::uint8_t kLcrDlab = 0x80;
constexpr std::uint8_t kMcrLoop = 0x10;
constexpr std::uint8_t kLsrReady = 0x01, kLsrOverrun = 0x02, kLsrBreak = 0x10;
constexpr std::uint8_t kLsrThre = 0x20, kLsrTemt = 0x40;
constexpr std::uint8_t kMsrRing = 0x40, kMsrTrailingRing = 0x04;
constexpr std::uint8_t kMsrConnected = 0xb0;  // CTS, DSR, DCD

// Sources of interrupts, highest priority first, with what IIR calls them (data sheet, table IV).
enum Source : unsigned { kLine = 1, kReceived = 2, kTimeout = 4, kEmpty = 8, kModem = 16 };
struct Identity {
    Source source;
    std::uint8_t iir;
};
constexpr std::array kIdentities{Identity{kLine, 0x06}, Identity{kReceived, 0x04},
                                 Identity{kTimeout, 0x0c}, Identity{kEmpty, 0x02},
                                 Identity{kModem, 0x00}};
constexpr std::uint8_t kNothingPending = 0x01;

// A driver without interrupts reads LSR over and over; one that prints reads it once or twice for
// each byte. So many reads with nothing sent between them are somebody who waits for a key.
constexpr unsigned kPolling = 256;

constexpr std::array<std::uint8_t, 4> kTriggers{1, 4, 8, 14};

}  // namespace

bool Uart16550a::dlab() const noexcept
{
    return (lcr_ & kLcrDlab) != 0;
}
bool Uart16550a::loops() const noexcept
{
    return (mcr_ & kMcrLoop) != 0;
}
bool Uart16550a::fifo_on() const noexcept
{
    return (fcr_ & kFcrEnable) != 0;
}

bool Uart16550a::listens() const noexcept
{
    return !loops() && ((ier_ & kIerRx) != 0 || polls_ >= kPolling);
}

std::uint64_t Uart16550a::read(MmioAccess access) noexcept
{
    const bool invited_before = invites();
    const std::uint8_t value = read_register(static_cast<unsigned>(access.offset));
    update_irq();
    invite(invited_before);
    return value;
}

void Uart16550a::write(MmioAccess access, std::uint64_t value) noexcept
{
    const bool invited_before = invites();
    write_register(static_cast<unsigned>(access.offset), static_cast<std::uint8_t>(value));
    update_irq();
    invite(invited_before);
}

// Only an empty FIFO calls for more: one wake-up of the host for sixteen bytes, not for each.
void Uart16550a::invite(bool invited_before) noexcept
{
    if (!invited_before && invites())
        host_.input_wanted();
}

std::uint8_t Uart16550a::read_register(unsigned index) noexcept
{
    switch (index) {
    case RBR: return dlab() ? dll_ : read_rbr();
    case IER: return dlab() ? dlm_ : ier_;
    case IIR: return read_iir();
    case LCR: return lcr_;
    case MCR: return mcr_;
    case LSR: return read_lsr();
    case MSR: return read_msr();
    case SCR: return scr_;
    default: return 0;  // the bus lets nothing else through
    }
}

void Uart16550a::write_register(unsigned index, std::uint8_t value) noexcept
{
    switch (index) {
    case RBR: return dlab() ? void(dll_ = value) : write_thr(value);
    case IER: return dlab() ? void(dlm_ = value) : write_ier(value);
    case IIR: return write_fcr(value);
    case LCR: lcr_ = value; return;
    case MCR: return write_mcr(value);
    case SCR: scr_ = value; return;
    default: return;  // LSR and MSR are for reading
    }
}

std::uint8_t Uart16550a::read_rbr() noexcept
{
    if (count_ == 0)
        return 0;
    const std::uint8_t byte = fifo_.at(head_);
    head_ = (head_ + 1) % kFifo;
    --count_;
    return byte;
}

std::uint8_t Uart16550a::read_iir() noexcept
{
    const std::uint8_t fifo_bits = fifo_on() ? 0xc0 : 0;
    const unsigned now = pending();
    for (const auto& [source, iir] : kIdentities)
        if ((now & source) != 0) {
            if (source == kEmpty)
                thre_interrupt_ = false;  // reading its name answers it
            return iir | fifo_bits;
        }
    return kNothingPending | fifo_bits;
}

std::uint8_t Uart16550a::read_lsr() noexcept
{
    polls_ += polls_ < kPolling ? 1 : 0;
    const std::uint8_t transmitter = host_full_ ? 0 : kLsrThre | kLsrTemt;
    const std::uint8_t value = lsr_errors_ | transmitter | (count_ != 0 ? kLsrReady : 0);
    lsr_errors_ = 0;
    return value;
}

std::uint8_t Uart16550a::lines() const noexcept
{
    if (!loops())
        return kMsrConnected;
    return static_cast<std::uint8_t>((bit(mcr_, 1) ? 0x10 : 0) | (bit(mcr_, 0) ? 0x20 : 0) |
                                     (bit(mcr_, 2) ? 0x40 : 0) | (bit(mcr_, 3) ? 0x80 : 0));
}

std::uint8_t Uart16550a::read_msr() noexcept
{
    const std::uint8_t value = lines() | msr_deltas_;
    msr_deltas_ = 0;
    return value;
}

void Uart16550a::write_thr(std::uint8_t value) noexcept
{
    polls_ = polls_ >= kPolling ? polls_ : 0;
    thre_interrupt_ = false;
    if (loops())
        push(value);
    else
        host_full_ = !host_.send(std::span(&value, 1));
    thre_interrupt_ = !host_full_;
}

void Uart16550a::write_ier(std::uint8_t value) noexcept
{
    const bool thre_enabled = (value & ~ier_ & kIerThre) != 0;
    ier_ = value & 0x0f;
    if (thre_enabled && !host_full_)
        thre_interrupt_ = true;  // an empty transmitter says so as soon as it may (Linux tests it)
}

// Turning the FIFO on keeps what has come, though the chip would drop it: Linux enables receive
// interrupts first and the FIFO a moment later, and a host may be quicker.
void Uart16550a::write_fcr(std::uint8_t value) noexcept
{
    const bool turned_off = fifo_on() && (value & kFcrEnable) == 0;
    fcr_ = value & 0xc9;
    if (turned_off || (value & kFcrClearRx) != 0) {
        head_ = count_ = 0;
        polls_ = 0;
    }
}

// Leaving or entering loopback, or moving an output in it, moves the modem lines that we see.
void Uart16550a::write_mcr(std::uint8_t value) noexcept
{
    const std::uint8_t before = lines();
    mcr_ = value & 0x1f;
    const std::uint8_t after = lines();
    msr_deltas_ |= static_cast<std::uint8_t>(((before ^ after) >> 4) & ~kMsrTrailingRing);
    if ((before & ~after & kMsrRing) != 0)
        msr_deltas_ |= kMsrTrailingRing;
}

unsigned Uart16550a::pending() const noexcept
{
    unsigned sources = 0;
    if ((ier_ & kIerLine) != 0 && lsr_errors_ != 0)
        sources |= kLine;
    const std::size_t trigger = fifo_on() ? kTriggers.at(fcr_ >> 6) : 1;
    if ((ier_ & kIerRx) != 0 && count_ != 0)
        sources |= count_ >= trigger ? kReceived : kTimeout;
    if ((ier_ & kIerThre) != 0 && thre_interrupt_)
        sources |= kEmpty;
    if ((ier_ & kIerModem) != 0 && msr_deltas_ != 0)
        sources |= kModem;
    return sources;
}

// Received data and its time-out are one source as far as edges go.
void Uart16550a::update_irq() noexcept
{
    unsigned now = pending();
    if ((now & kTimeout) != 0)
        now = (now & ~kTimeout) | kReceived;
    if ((now & ~pulsed_) != 0)
        irq_.pulse();
    pulsed_ = now;
}

void Uart16550a::push(std::uint8_t byte) noexcept
{
    if (count_ == capacity()) {
        lsr_errors_ |= kLsrOverrun;
        return;
    }
    fifo_.at((head_ + count_) % kFifo) = byte;
    ++count_;
}

std::size_t Uart16550a::room() const noexcept
{
    return listens() ? capacity() - count_ : 0;
}

void Uart16550a::receive(std::span<const std::uint8_t> bytes) noexcept
{
    for (const std::uint8_t byte : bytes)
        push(byte);
    update_irq();
}

void Uart16550a::receive_break() noexcept
{
    lsr_errors_ |= kLsrBreak;
    push(0);
    update_irq();
}

void Uart16550a::resume_sending() noexcept
{
    host_full_ = false;
    thre_interrupt_ = true;
    update_irq();
}

}  // namespace gh
