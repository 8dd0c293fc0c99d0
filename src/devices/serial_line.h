// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

namespace gh {

/// What stands behind a port of the guest's: takes its bytes, brings the host's. Called by the port
/// with its door held; must not call back from inside.
class SerialHost {
public:
    /// How many bytes send() may be given at a time.
    static constexpr std::size_t kBurst = 4096;

    SerialHost() = default;
    SerialHost(const SerialHost&) = delete;
    SerialHost& operator=(const SerialHost&) = delete;
    virtual ~SerialHost() = default;

    /// Takes the bytes. False: taken, but no more for now; SerialGuest::resume_sending() will
    /// follow.
    [[nodiscard]] virtual bool send(std::span<const std::uint8_t> bytes) noexcept = 0;

    /// The port has become empty and takes input.
    virtual void input_wanted() noexcept = 0;
};

/// A port of the guest's, as the host's side sees it, which holds its door around every call.
class SerialGuest {
public:
    SerialGuest() = default;
    SerialGuest(const SerialGuest&) = delete;
    SerialGuest& operator=(const SerialGuest&) = delete;
    virtual ~SerialGuest() = default;

    [[nodiscard]] virtual std::mutex& door() noexcept = 0;

    /// How many bytes of input the guest can take now. None until its driver listens: what
    /// somebody piped in would be lost.
    [[nodiscard]] virtual std::size_t room() const noexcept = 0;
    /// At most room() bytes from the host.
    virtual void receive(std::span<const std::uint8_t> bytes) noexcept = 0;
    /// The line was held low: a break (Linux: magic SysRq).
    virtual void receive_break() noexcept = 0;
    /// The host takes bytes again.
    virtual void resume_sending() noexcept = 0;
};

}  // namespace gh
