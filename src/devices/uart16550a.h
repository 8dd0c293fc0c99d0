// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/device.h"
#include "devices/irq_line.h"
#include "devices/serial_line.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gh {

/// A 16550A UART with 16-byte receive FIFO (National Semiconductor PC16550D, 1995). Characters take
/// no time, so the transmitter is always empty while the host takes them, and a FIFO below its
/// trigger level has timed out at once. Parity, framing and baud rate mean nothing here.
///
/// Its interrupt output is level on the chip and an edge here: it pulses for each source that newly
/// asserts. A driver that looks until nothing is pending, as Linux's 8250 does, never misses one.
class Uart16550a final : public Device, public SerialGuest {
public:
    static constexpr std::uint64_t kSize = 8;
    static constexpr std::size_t kFifo = 16;

    /// Both must outlive it.
    Uart16550a(const IrqLine& irq, SerialHost& host) : irq_(irq), host_(host) {}

    std::uint64_t read(MmioAccess access) noexcept override;
    void write(MmioAccess access, std::uint64_t value) noexcept override;

    [[nodiscard]] std::mutex& door() noexcept override { return Device::door(); }
    /// None until the driver listens: Linux clears the FIFO while it starts.
    [[nodiscard]] std::size_t room() const noexcept override;
    void receive(std::span<const std::uint8_t> bytes) noexcept override;
    void receive_break() noexcept override;
    void resume_sending() noexcept override;

private:
    // Register offsets; with DLAB set, 0 and 1 are the divisor latches.
    enum : std::uint8_t { RBR = 0, IER = 1, IIR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

    [[nodiscard]] bool dlab() const noexcept;
    [[nodiscard]] bool loops() const noexcept;
    [[nodiscard]] bool fifo_on() const noexcept;
    [[nodiscard]] bool listens() const noexcept;
    [[nodiscard]] std::size_t capacity() const noexcept { return fifo_on() ? kFifo : 1; }
    [[nodiscard]] unsigned pending() const noexcept;
    [[nodiscard]] std::uint8_t lines() const noexcept;

    std::uint8_t read_register(unsigned index) noexcept;
    std::uint8_t read_rbr() noexcept;
    std::uint8_t read_iir() noexcept;
    std::uint8_t read_lsr() noexcept;
    std::uint8_t read_msr() noexcept;
    void write_register(unsigned index, std::uint8_t value) noexcept;
    void write_thr(std::uint8_t value) noexcept;
    void write_ier(std::uint8_t value) noexcept;
    void write_fcr(std::uint8_t value) noexcept;
    void write_mcr(std::uint8_t value) noexcept;
    void push(std::uint8_t byte) noexcept;
    void update_irq() noexcept;
    [[nodiscard]] bool invites() const noexcept { return count_ == 0 && listens(); }
    void invite(bool invited_before) noexcept;

    const IrqLine& irq_;
    SerialHost& host_;

    std::uint8_t ier_ = 0;
    std::uint8_t fcr_ = 0;
    std::uint8_t lcr_ = 0;
    std::uint8_t mcr_ = 0;
    std::uint8_t scr_ = 0;
    std::uint8_t dll_ = 1;
    std::uint8_t dlm_ = 0;
    std::uint8_t lsr_errors_ = 0;
    std::uint8_t msr_deltas_ = 0;
    bool thre_interrupt_ = false;  // the transmitter became empty and nobody has looked yet
    bool host_full_ = false;
    unsigned polls_ = 0;   // reads of LSR since the guest last sent or reset something
    unsigned pulsed_ = 0;  // sources that were pending when we last looked
    std::array<std::uint8_t, kFifo> fifo_{};
    std::size_t head_ = 0;
    std::size_t count_ = 0;
};

}  // namespace gh
