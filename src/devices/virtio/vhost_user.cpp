// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/vhost_user.h"

#include "base/error.h"
#include "devices/virtio/device.h"
#include "devices/virtio/layout.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gh::virtio {

using namespace vhost_user;

namespace {

constexpr std::uint64_t kProtocolFeatures = feature_flag(kProtocolReplyAck);

/// Without the empty lines at its end, the last one of a text.
std::string last_line(std::string text)
{
    text.erase(text.find_last_not_of('\n') + 1);
    return text.substr(text.find_last_of('\n') + 1);
}

/// Sends bytes with descriptors beside them. Returns as sendmsg(2).
ssize_t send_with_files(int socket, std::span<std::byte> bytes, std::span<const int> files)
{
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxRegions * sizeof(int))> control{};
    iovec piece{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (!files.empty()) {
        const cmsghdr rights{.cmsg_len = CMSG_LEN(files.size_bytes()),
                             .cmsg_level = SOL_SOCKET,
                             .cmsg_type = SCM_RIGHTS};
        std::memcpy(control.data(), &rights, sizeof rights);
        std::memcpy(control.data() + CMSG_LEN(0), files.data(), files.size_bytes());
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(files.size_bytes());
    }
    return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::string name_of(Request request)
{
    return "request " + std::to_string(static_cast<std::uint32_t>(request));
}

}  // namespace

VhostUser::VhostUser(Fd socket, Options options)
    : process_(std::move(options.process)),
      messages_(std::move(options.messages)),
      socket_(std::move(socket)),
      name_(std::move(options.name)),
      patience_(options.patience)
{
    agree();
}

void VhostUser::agree()
{
    features_ = ask(Request::GetFeatures);
    if (!has_feature(features_, kFeatureVersion1))
        fail(name_ + " knows no virtio 1 (VIRTIO_F_VERSION_1)");
    // Without it rings would run as soon as they have a kick, and some back-ends have no other way.
    if (has_feature(features_, kFeatureProtocolFeatures)) {
        const std::uint64_t agreed = ask(Request::GetProtocolFeatures) & kProtocolFeatures;
        tell(Request::SetProtocolFeatures, bytes_of(agreed));
        acknowledges_ = has_feature(agreed, kProtocolReplyAck);
    }
    tell(Request::SetOwner, {});
}

std::uint64_t VhostUser::features() const noexcept
{
    return features_ & ~feature_flag(kFeatureProtocolFeatures);
}

// The guest's addresses serve as user addresses: those of another machine are the same, so that
// what a back-end remembers of the last one's rings has a meaning in the new table.
void VhostUser::set_memory_table(const DmaMemory& memory)
{
    MemoryTable table{};
    std::vector<int> files;
    table_.clear();
    for (const DmaWindow& window : memory.windows()) {
        if (window.fd < 0 || !window.writable)
            continue;
        if (files.size() == kMaxRegions)
            throw Error("the VM shares more than " + std::to_string(kMaxRegions) +
                        " regions of memory with the host, which is as many as vhost-user has");
        table_.push_back({.guest_address = raw(window.base),
                          .size = window.host.size(),
                          .user_address = raw(window.base),
                          .mmap_offset = window.offset});
        table.regions.at(files.size()) = table_.back();
        files.push_back(window.fd);
    }
    table.num_regions = static_cast<std::uint32_t>(files.size());
    const std::size_t size = offsetof(MemoryTable, regions) + files.size() * sizeof(MemoryRegion);
    tell(Request::SetMemTable, bytes_of(table).first(size), files);
}

void VhostUser::start(std::uint64_t features, const DmaMemory& memory,
                      std::span<const Vring> vrings)
{
    // Where the platform's addresses lead is ours to know: to a back-end they are all the guest's.
    const std::uint64_t agreed = (features & features_ & ~feature_flag(kFeatureAccessPlatform)) |
                                 (features_ & feature_flag(kFeatureProtocolFeatures));
    tell(Request::SetFeatures, bytes_of(agreed));
    set_memory_table(memory);
    for (const Vring& vring : vrings)
        start_vring(vring);
}

// A back-end that is told of rings elsewhere may take that for a reason to end.
void VhostUser::start_vring(const Vring& vring)
{
    const QueueSetup& setup = vring.setup;
    const auto check = [this](Gpa ring) {
        if (std::none_of(table_.begin(), table_.end(), [ring](const MemoryRegion& region) {
                return raw(ring) - region.guest_address < region.size;
            }))
            throw Error("a queue lies in memory that " + name_ + " cannot have");
    };
    check(setup.descriptors);
    check(setup.available);
    check(setup.used);
    started_.push_back(vring.index);
    tell(Request::SetVringNum, bytes_of(VringState{vring.index, setup.size}));
    tell(Request::SetVringBase, bytes_of(VringState{vring.index, 0}));
    tell(Request::SetVringAddr, bytes_of(VringAddr{.index = vring.index,
                                                   .flags = 0,
                                                   .descriptor = raw(setup.descriptors),
                                                   .used = raw(setup.used),
                                                   .available = raw(setup.available),
                                                   .log = 0}));
    const std::uint64_t index = vring.index;
    tell(Request::SetVringCall, bytes_of(index), std::span(&vring.call, 1));
    tell(Request::SetVringKick, bytes_of(index), std::span(&vring.kick, 1));
    if (has_feature(features_, kFeatureProtocolFeatures))
        tell(Request::SetVringEnable, bytes_of(VringState{vring.index, 1}));
}

void VhostUser::stop()
{
    const auto started = std::exchange(started_, {});
    if (!socket_)
        return;
    for (const unsigned index : started) {
        if (has_feature(features_, kFeatureProtocolFeatures))
            tell(Request::SetVringEnable, bytes_of(VringState{index, 0}));
        send(Request::GetVringBase, 0, bytes_of(VringState{index, 0}), {});
        VringState state{};
        answer(Request::GetVringBase, bytes_of(state));
    }
}

bool VhostUser::is_alive()
{
    pollfd event{.fd = socket_.get(), .events = POLLIN | POLLRDHUP, .revents = 0};
    if (!socket_ || ::poll(&event, 1, 0) == 0)
        return static_cast<bool>(socket_);
    try {
        if ((event.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
            fail(name_ + " has ended" + last_words());
        fail(name_ + " says what nobody has asked for");
    } catch (const Error&) {
        return false;
    }
}

// --- messages

void VhostUser::tell(Request request, Bytes payload, std::span<const int> files)
{
    const bool wants_word = acknowledges_ && request != Request::SetProtocolFeatures;
    send(request, wants_word ? kNeedReply : 0, payload, files);
    if (!wants_word)
        return;
    std::uint64_t result = 0;
    answer(request, bytes_of(result));
    if (result != 0)
        fail(name_ + " refuses " + name_of(request));
}

std::uint64_t VhostUser::ask(Request request)
{
    send(request, 0, {}, {});
    std::uint64_t value = 0;
    answer(request, bytes_of(value));
    return value;
}

void VhostUser::answer(Request request, std::span<std::byte> to)
{
    Header header{};
    receive(bytes_of(header));
    if (header.request != static_cast<std::uint32_t>(request) ||
        (header.flags & (kVersionMask | kReply)) != (kVersion | kReply) || header.size != to.size())
        fail(name_ + " gives an answer to " + name_of(request) + " that is none");
    receive(to);
}

void VhostUser::send(Request request, std::uint32_t flags, Bytes payload,
                     std::span<const int> files)
{
    if (!socket_)
        throw Error(trouble_);
    deadline_ = std::chrono::steady_clock::now() + patience_;
    const Header header{static_cast<std::uint32_t>(request), kVersion | flags,
                        static_cast<std::uint32_t>(payload.size())};
    std::array<std::byte, sizeof(Header) + sizeof(MemoryTable)> message{};
    GH_CHECK(payload.size() <= sizeof(MemoryTable));
    std::memcpy(message.data(), &header, sizeof header);
    std::copy(payload.begin(), payload.end(), message.begin() + sizeof header);
    const std::size_t length = sizeof header + payload.size();
    for (std::size_t sent = 0; sent < length;) {
        wait_for(POLLOUT);
        const auto rest = std::span(message).subspan(sent, length - sent);
        const ssize_t size = send_with_files(socket_.get(), rest, files);
        if (size >= 0) {
            sent += static_cast<std::size_t>(size);
            files = {};
        } else if (errno != EAGAIN && errno != EINTR) {
            fail(name_ + " has ended" + last_words());
        }
    }
}

// Descriptors that nobody has asked for are closed by the kernel.
void VhostUser::receive(std::span<std::byte> to)
{
    while (!to.empty()) {
        wait_for(POLLIN);
        const ssize_t size = ::recv(socket_.get(), to.data(), to.size(), MSG_DONTWAIT);
        if (size > 0)
            to = to.subspan(static_cast<std::size_t>(size));
        else if (size == 0 || (errno != EAGAIN && errno != EINTR))
            fail(name_ + " has ended" + last_words());
    }
}

void VhostUser::wait_for(short events)
{
    using std::chrono::milliseconds;
    pollfd event{.fd = socket_.get(), .events = events, .revents = 0};
    int ready = 0;
    do {
        const auto left =
            std::chrono::ceil<milliseconds>(deadline_ - std::chrono::steady_clock::now());
        ready = ::poll(&event, 1, static_cast<int>(std::max(left, milliseconds{0}).count()));
    } while (ready < 0 && errno == EINTR);
    if (ready == 0)
        fail(name_ + " has not answered for " + std::to_string(patience_.count()) + " ms");
}

void VhostUser::fail(const std::string& what)
{
    socket_ = Fd{};
    started_.clear();
    if (process_)
        process_->kill();
    trouble_ = what;
    throw Error(what);
}

std::string VhostUser::last_words() const
{
    if (!messages_)
        return {};
    const std::string text = last_line(read_all(messages_.get()));
    return text.empty() ? "" : ": " + text;
}

}  // namespace gh::virtio
