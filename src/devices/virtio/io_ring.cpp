// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/io_ring.h"

#include "base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include <liburing.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

constexpr std::array kOperations{IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
                                 IORING_OP_FALLOCATE, IORING_OP_ASYNC_CANCEL};

volatile std::sig_atomic_t trapped = 0;

/// Android's filter for applications raises SIGSYS where others answer EPERM.
int refusal() noexcept
{
    struct sigaction quiet {};
    struct sigaction before {};
    quiet.sa_handler = [](int) { trapped = 1; };
    trapped = 0;
    (void)::sigaction(SIGSYS, &quiet, &before);
    const long result = ::syscall(SYS_io_uring_setup, 0, nullptr);
    const int error = errno;
    (void)::sigaction(SIGSYS, &before, nullptr);
    if (trapped != 0)
        return EPERM;
    return result < 0 && (error == ENOSYS || error == EPERM || error == EACCES) ? error : 0;
}

/// The newest that we need is of Linux 5.6.
bool knows_operations(io_uring& ring) noexcept
{
    io_uring_probe* const probe = ::io_uring_get_probe_ring(&ring);
    if (probe == nullptr)
        return false;
    bool all = (ring.features & IORING_FEAT_NODROP) != 0;
    for (const int operation : kOperations)
        all = all && ::io_uring_opcode_supported(probe, operation) != 0;
    ::io_uring_free_probe(probe);
    return all;
}

void prepare(io_uring_sqe& entry, const DiskOperation& operation)
{
    using Call = DiskOperation::Call;
    const auto pieces = operation.left();
    const auto count = static_cast<unsigned>(pieces.size());
    switch (operation.call) {
    case Call::Read:
        ::io_uring_prep_readv(&entry, operation.fd, pieces.data(), count, operation.offset);
        break;
    case Call::Write:
        ::io_uring_prep_writev(&entry, operation.fd, pieces.data(), count, operation.offset);
        break;
    case Call::Sync: ::io_uring_prep_fsync(&entry, operation.fd, IORING_FSYNC_DATASYNC); break;
    case Call::Allocate:
        ::io_uring_prep_fallocate(&entry, operation.fd, operation.mode,
                                  static_cast<off_t>(operation.offset),
                                  static_cast<off_t>(operation.size));
        break;
    case Call::Discard: GH_CHECK(false);
    }
}

/// Makes the ring, disabled as long as it is not restricted, where the kernel knows of both.
int make(unsigned depth, io_uring& ring) noexcept
{
    const int error = -::io_uring_queue_init(depth, &ring, IORING_SETUP_R_DISABLED);
    return error == EINVAL ? -::io_uring_queue_init(depth, &ring, 0) : error;
}

/// What a ring does is seen by no seccomp filter. So that it serves nobody who has got into this
/// process, the kernel does nothing by it but what disks need (Linux 5.10).
void restrict_ring(io_uring& ring) noexcept
{
    std::array<io_uring_restriction, kOperations.size() + 1> allowed{};
    for (std::size_t i = 0; i < kOperations.size(); ++i) {
        allowed.at(i).opcode = IORING_RESTRICTION_SQE_OP;
        allowed.at(i).sqe_op = static_cast<std::uint8_t>(kOperations.at(i));
    }
    allowed.back().opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
    allowed.back().sqe_flags = IOSQE_ASYNC;
    (void)::io_uring_register_restrictions(&ring, allowed.data(), allowed.size());
    (void)::io_uring_enable_rings(&ring);
}

}  // namespace

IoRing::IoRing(unsigned depth) : ring_(std::make_unique<io_uring>())
{
    int error = refusal();
    if (error == 0)
        error = make(depth, *ring_);
    if (error == 0 && !knows_operations(*ring_)) {
        ::io_uring_queue_exit(ring_.get());
        error = ENOSYS;
    }
    if (error != 0)
        throw Error("the host has no io_uring for us: " + errno_text(error) +
                    R"( ("io": "threads" does without))");
    restrict_ring(*ring_);
}

IoRing::~IoRing()
{
    ::io_uring_queue_exit(ring_.get());
}

int IoRing::get() const noexcept
{
    return ring_->ring_fd;
}

void IoRing::add(const DiskOperation& operation, void* tag, bool aside)
{
    io_uring_sqe* entry = ::io_uring_get_sqe(ring_.get());
    if (entry == nullptr) {  // a batch of more than the ring holds
        submit();
        entry = ::io_uring_get_sqe(ring_.get());
    }
    GH_CHECK(entry != nullptr);
    prepare(*entry, operation);
    if (aside)
        ::io_uring_sqe_set_flags(entry, IOSQE_ASYNC);
    ::io_uring_sqe_set_data(entry, tag);
    ++in_flight_;
    ++added_;
}

void IoRing::submit() noexcept
{
    while (added_ != 0) {
        const int result = ::io_uring_submit(ring_.get());
        GH_CHECK(result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY);
        added_ -= static_cast<unsigned>(std::max(result, 0));
    }
}

bool IoRing::next(void*& tag, std::int64_t& result) noexcept
{
    io_uring_cqe* entry = nullptr;
    while (::io_uring_peek_cqe(ring_.get(), &entry) == 0) {
        tag = ::io_uring_cqe_get_data(entry);
        result = entry->res;
        ::io_uring_cqe_seen(ring_.get(), entry);
        if (tag == nullptr) {
            --cancelling_;
            continue;
        }
        --in_flight_;
        return true;
    }
    return false;
}

// Unlike an operation that is added, a cancellation has no tag. Its answer, too, is waited for: the
// ring would be readable for as long as it lay there. Kernels before 5.19 cannot cancel all at once
// and finish what they have begun.
void IoRing::drain() noexcept
{
    submit();
    if (in_flight_ == 0)
        return;
    if (io_uring_sqe* const entry = ::io_uring_get_sqe(ring_.get())) {
        ::io_uring_prep_cancel(entry, nullptr, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
        ::io_uring_sqe_set_data(entry, nullptr);  // liburing leaves the last one's there
        ++added_;
        ++cancelling_;
        submit();
    }
    io_uring_cqe* entry = nullptr;
    while (in_flight_ != 0 || cancelling_ != 0) {
        const int result = ::io_uring_wait_cqe(ring_.get(), &entry);
        GH_CHECK(result == 0 || result == -EINTR || result == -EAGAIN);
        reap([](void*, std::int64_t) {});
    }
}

}  // namespace gh::virtio
