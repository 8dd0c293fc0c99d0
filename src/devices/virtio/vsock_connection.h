// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "devices/virtio/chain.h"
#include "devices/virtio/vsock_packet.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gh::virtio {

/// One stream between a socket of the host's and a port of the guest's, as virtio 1.2, 5.10.6 has
/// it. Knows nothing of queues: it says what it owes the guest (`next`) and hears what the guest
/// says (`hear`). Never blocks. One thread.
class VsockConnection {
public:
    /// What the guest may have on its way to a host that does not read, and what we hold of it.
    static constexpr std::uint32_t kBuffer = 128 << 10;

    enum class Origin { Host, Guest };

    /// `socket` is non-blocking. From the guest: it has asked by `request`; from the host: we ask,
    /// and whoever called is told when the guest has agreed.
    VsockConnection(VsockPorts ports, Fd socket, Origin origin, const VsockHeader& request = {});

    [[nodiscard]] const VsockPorts& ports() const noexcept { return ports_; }
    [[nodiscard]] int socket() const noexcept { return socket_.get(); }

    /// A packet of the guest's (no Rst), its data in `data` behind the header. What breaks the
    /// protocol or its credit resets the connection.
    void hear(const VsockHeader& header, const Buffer& data);
    /// Ends it for both sides.
    void reset();

    /// The host's socket has something to tell.
    void socket_ready(std::uint32_t events);
    /// What to watch it for (epoll's events); 0: nothing, not even its end.
    [[nodiscard]] std::uint32_t interest() const noexcept;

    /// Whether there may be something for the guest now.
    [[nodiscard]] bool owes() const noexcept;
    /// Fills in operation, flags, credit and length of the next packet, and its data into `room`
    /// behind the header. False: in the end there is nothing.
    [[nodiscard]] bool next(VsockHeader& header, const Buffer& room);

    /// All is said: to be forgotten.
    [[nodiscard]] bool is_over() const noexcept { return state_ == State::Over; }

private:
    enum class State { Asking, Established, Resetting, Over };

    void take_credit(const VsockHeader& header) noexcept;
    [[nodiscard]] std::uint32_t peer_room() const noexcept;
    [[nodiscard]] bool accept(const VsockHeader& header, const Buffer& data);
    [[nodiscard]] bool accept_response();
    [[nodiscard]] bool accept_data(std::uint32_t size, const Buffer& data);
    [[nodiscard]] bool accept_shutdown(std::uint32_t flags);
    [[nodiscard]] bool takes_input() const noexcept;
    void input_is_there();
    void flush();
    void finish_sending();
    void host_is_gone();
    void owe(VsockOp op) noexcept { owed_ |= 1u << static_cast<unsigned>(op); }
    [[nodiscard]] bool next_data(VsockHeader& header, const Buffer& room);
    [[nodiscard]] std::uint32_t read_data(const Buffer& room);

    VsockPorts ports_;
    Fd socket_;
    State state_;
    std::uint32_t owed_ = 0;  // a bit for each VsockOp; sent in their order, data last
    bool hung_up_ = false;    // the socket's other end is closed
    bool host_gone_ = false;  // and all that it said was read

    // from the host to the guest; counts are modulo 2^32
    bool readable_ = false;     // the socket may have bytes, or its end
    bool input_ended_ = false;  // the host sends no more
    std::uint32_t sent_ = 0;
    std::uint32_t peer_buf_alloc_ = 0;
    std::uint32_t peer_fwd_cnt_ = 0;
    bool asked_for_credit_ = false;
    Buffer piece_;

    // from the guest to the host
    std::uint32_t guest_shutdown_ = 0;
    std::vector<std::byte> waiting_;  // what the socket has not taken
    std::size_t written_ = 0;         // of that, what it has meanwhile
    std::uint32_t received_ = 0;
    std::uint32_t forwarded_ = 0;
    std::uint32_t told_forwarded_ = 0;
};

}  // namespace gh::virtio
