// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/child.h"
#include "base/fd.h"
#include "devices/virtio/dma_memory.h"
#include "devices/virtio/queue.h"
#include "devices/virtio/vhost_user_messages.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gh::virtio {

/// The front-end of a vhost-user connection (QEMU, docs/interop/vhost-user.rst): has another
/// process, the back-end, serve the queues of a device of ours. It is told where memory and rings
/// are and is given an eventfd each way, so that nothing of the guest's requests passes here.
///
/// One connection serves many activations and machines, one after the other. Whatever the back-end
/// does wrong, and its silence, is thrown as an Error that says so, and ends the connection for
/// good: then nothing of the guest's is its business any more. One thread at a time.
class VhostUser {
public:
    /// How long a back-end may take to answer, and to finish what it works on when it is stopped.
    static constexpr std::chrono::seconds kPatience{15};

    struct Options {
        std::string name;  // the back-end's, for messages: "virtiofsd"
        std::chrono::milliseconds patience = kPatience;
        std::optional<Child> process{};  // that of the back-end, if it is ours
        Fd messages{};                   // a pipe with what that says on standard error
    };

    /// A queue that the back-end is to serve.
    struct Vring {
        unsigned index = 0;
        QueueSetup setup;
        int kick = -1;  // eventfds, which stay the caller's
        int call = -1;
    };

    /// `socket` is connected. Agrees on features. Throws Error.
    VhostUser(Fd socket, Options options);

    /// Virtio's feature bits that the back-end has; its transport may have some of them.
    [[nodiscard]] std::uint64_t features() const noexcept;

    /// Hands the rings over: from here on they are the back-end's. `features` is what the driver
    /// has agreed to. Of the memory the back-end gets what it could write as well. Throws Error.
    void start(std::uint64_t features, const DmaMemory& memory, std::span<const Vring> vrings);
    /// Returns when the back-end touches them no more. Harmless without start(). Throws Error.
    void stop();

    /// Where its end shows, or a word that nobody has asked for: readable.
    [[nodiscard]] int socket() const noexcept { return socket_.get(); }
    /// Whether the connection stands, as far as can be seen now.
    [[nodiscard]] bool is_alive();
    /// Why it does not, in words that begin with the back-end's name.
    [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

private:
    using Request = vhost_user::Request;
    using Bytes = std::span<const std::byte>;

    void agree();
    void set_memory_table(const DmaMemory& memory);
    void start_vring(const Vring& vring);

    void tell(Request request, Bytes payload, std::span<const int> files = {});
    [[nodiscard]] std::uint64_t ask(Request request);
    void answer(Request request, std::span<std::byte> to);
    void send(Request request, std::uint32_t flags, Bytes payload, std::span<const int> files);
    void receive(std::span<std::byte> to);
    void wait_for(short events);
    [[noreturn]] void fail(const std::string& what);
    [[nodiscard]] std::string last_words() const;

    // In the order in which they must not go: the socket's end is the process's.
    std::optional<Child> process_;
    Fd messages_;
    Fd socket_;
    std::string name_;
    std::chrono::milliseconds patience_;
    std::chrono::steady_clock::time_point deadline_{};
    std::uint64_t features_ = 0;
    bool acknowledges_ = false;  // VHOST_USER_PROTOCOL_F_REPLY_ACK
    std::vector<vhost_user::MemoryRegion> table_;
    std::vector<unsigned> started_;
    std::string trouble_;
};

}  // namespace gh::virtio
