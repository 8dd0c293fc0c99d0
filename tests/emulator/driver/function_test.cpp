// SPDX-License-Identifier: BSD-3-Clause
#include "client_fixture.h"

#include <array>
#include <limits>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace gh::test;

namespace {

struct FunctionFixture : ClientFixture {
    std::array<std::byte, 512> big{};
    gh::EventFd event;
    gh::EventFd other;
};

}  // namespace

TEST_CASE_FIXTURE(FunctionFixture,
                  "an unknown function type is ENOENT, but its argument is read first")
{
    for (const std::uint32_t type : {0u, 4u, 0xffff'ffffu}) {
        CHECK(describe(GH_VM_ADD_FUNCTION, type, 4, big.data()) == ENOENT);
        CHECK(describe(GH_VM_ADD_FUNCTION, type, 0, nullptr) == ENOENT);
    }
    CHECK(describe(GH_VM_ADD_FUNCTION, 4, 257, big.data()) == EINVAL);
    CHECK(describe(GH_VM_ADD_FUNCTION, 4, 4, nullptr) == EFAULT);
    CHECK(describe(GH_VM_ADD_FUNCTION, GH_FN_VCPU, 257, nullptr) == EINVAL);
    CHECK(describe(GH_VM_ADD_FUNCTION, GH_FN_VCPU, 8, nullptr) == EFAULT);
}

TEST_CASE_FIXTURE(FunctionFixture, "a vCPU's argument is four bytes, not more, less or none")
{
    for (const std::uint32_t size : {0u, 3u, 5u, 8u, 256u, 257u, 0xffff'ffffu})
        CHECK(describe(GH_VM_ADD_FUNCTION, GH_FN_VCPU, size, big.data()) == EINVAL);
    CHECK(describe(GH_VM_ADD_FUNCTION, GH_FN_VCPU, 4, nullptr) == EFAULT);
}

TEST_CASE_FIXTURE(FunctionFixture, "any vCPU id is accepted, once")
{
    for (const std::uint32_t id : {0u, 1u, 7u, 8u, 255u, 1000u, 0x8000'0000u, 0xffff'ffffu})
        CHECK(add_vcpu(id).file != nullptr);
    CHECK(add_vcpu(7).error == EEXIST);
    CHECK(describe(GH_VM_ADD_FUNCTION, GH_FN_VCPU, 8, big.data()) == EINVAL);
}

TEST_CASE_FIXTURE(FunctionFixture, "closing a vCPU file does not free its id, REMOVE_FUNCTION does")
{
    CHECK(add_vcpu(0).file != nullptr);
    CHECK(add_vcpu(0).error == EEXIST);
    CHECK(remove_vcpu(0) == 0);
    CHECK(add_vcpu(0).file != nullptr);
}

TEST_CASE_FIXTURE(FunctionFixture, "an irqfd's argument is sixteen bytes and knows one flag")
{
    for (const std::uint32_t size : {0u, 12u, 15u, 17u, 32u})
        CHECK(describe(GH_VM_ADD_FUNCTION, GH_FN_IRQFD, size, big.data()) == EINVAL);
    for (const std::uint32_t flags : {2u, 3u, 1u << 31})
        CHECK(add_irqfd(event.get(), 0, flags) == EINVAL);
    CHECK(add_irqfd(event.get(), 0) == 0);
    CHECK(add_irqfd(event.get(), 1, GH_IRQFD_FLAGS_LEVEL) == 0);
    CHECK(add_irqfd(event.get(), 0xffff'ffff) == 0);
}

TEST_CASE_FIXTURE(FunctionFixture, "an irqfd that is no descriptor is EBADF, no eventfd EINVAL")
{
    const gh::Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    CHECK(add_irqfd(-1, 0) == EBADF);
    CHECK(add_irqfd(999, 0) == EBADF);
    CHECK(add_irqfd(null.get(), 0) == EINVAL);
    CHECK(add_irqfd(-1, 0, 2) == EINVAL);
}

TEST_CASE_FIXTURE(FunctionFixture, "an irqfd label is taken once, an eventfd as often as one likes")
{
    CHECK(add_irqfd(event.get(), 4) == 0);
    CHECK(add_irqfd(event.get(), 4) == EEXIST);
    CHECK(add_irqfd(other.get(), 4) == EEXIST);
    CHECK(add_irqfd(-1, 4) == EBADF);
    CHECK(add_irqfd(event.get(), 5) == 0);
}

TEST_CASE_FIXTURE(FunctionFixture,
                  "an irqfd outlives the client's descriptor, and REMOVE asks only for its label")
{
    {
        const gh::EventFd closed;
        CHECK(add_irqfd(closed.get(), 4) == 0);
    }
    CHECK(add_irqfd(event.get(), 4) == EEXIST);
    CHECK(remove_irqfd(4) == 0);
    CHECK(remove_irqfd(4) == ENOENT);
    CHECK(add_irqfd(event.get(), 4) == 0);
}

TEST_CASE_FIXTURE(FunctionFixture, "an irqfd's counter is never consumed")
{
    const gh::Fd preset{::eventfd(3, EFD_CLOEXEC | EFD_SEMAPHORE)};
    CHECK(add_irqfd(preset.get(), 0) == 0);
    CHECK(add_irqfd(event.get(), 1) == 0);
    event.signal(2);
    CHECK(event.drain() == 2);
    pollfd poll{preset.get(), POLLIN, 0};
    CHECK(::poll(&poll, 1, 0) == 1);
}

TEST_CASE_FIXTURE(FunctionFixture,
                  "an ioeventfd takes lengths 0, 1, 2, 4, 8 and one flag, with a length")
{
    for (const std::uint32_t size : {0u, 28u, 31u, 33u})
        CHECK(describe(GH_VM_ADD_FUNCTION, GH_FN_IOEVENTFD, size, big.data()) == EINVAL);
    for (const std::uint32_t len : {0u, 1u, 2u, 4u, 8u})
        CHECK(add_ioeventfd(0x1000 + len, len, event.get()) == 0);
    for (const std::uint32_t len : {3u, 5u, 16u, 0xffff'ffffu})
        CHECK(add_ioeventfd(0x2000, len, event.get()) == EINVAL);
    for (const std::uint32_t flags : {2u, 3u, 4u, 1u << 31})
        CHECK(add_ioeventfd(0x2000, 4, event.get(), flags) == EINVAL);
    CHECK(add_ioeventfd(0x2000, 0, event.get(), 1) == EINVAL);
}

TEST_CASE_FIXTURE(FunctionFixture, "an ioeventfd may wrap around the address space")
{
    constexpr auto kTop = std::numeric_limits<std::uint64_t>::max();
    CHECK(add_ioeventfd(kTop, 4, event.get()) == 0);
    CHECK(add_ioeventfd(kTop - 3, 4, event.get()) == 0);
    CHECK(add_ioeventfd(kTop - 1, 0, event.get()) == 0);
}

TEST_CASE_FIXTURE(FunctionFixture,
                  "of two faults in an ioeventfd the one the kernel looks at first wins")
{
    CHECK(add_ioeventfd(0x1000, 3, event.get(), 2) == EINVAL);
    CHECK(add_ioeventfd(0x1000, 4, -1, 2) == EINVAL);
    CHECK(add_ioeventfd(0x1000, 3, -1) == EINVAL);
    CHECK(add_ioeventfd(0x1000, 0, -1, 1) == EINVAL);
    CHECK(add_ioeventfd(~std::uint64_t{0}, 4, -1) == EBADF);
    CHECK(add_ioeventfd(0x1000, 4, event.get()) == 0);
    CHECK(add_ioeventfd(0x1000, 4, -1) == EBADF);
}

TEST_CASE_FIXTURE(FunctionFixture,
                  "an ioeventfd without datamatch tolerates no other at its address")
{
    CHECK(add_ioeventfd(0x1000, 4, event.get()) == 0);
    CHECK(add_ioeventfd(0x1000, 4, event.get()) == EEXIST);
    CHECK(add_ioeventfd(0x1000, 2, event.get()) == EEXIST);
    CHECK(add_ioeventfd(0x1000, 4, event.get(), 1, 5) == EEXIST);
    CHECK(add_ioeventfd(0x1002, 4, event.get()) == 0);
}

TEST_CASE_FIXTURE(FunctionFixture,
                  "ioeventfds with datamatch conflict when length and value are equal")
{
    CHECK(add_ioeventfd(0x1000, 4, event.get(), 1, 5) == 0);
    CHECK(add_ioeventfd(0x1000, 4, event.get(), 1, 5) == EEXIST);
    CHECK(add_ioeventfd(0x1000, 4, event.get(), 1, 6) == 0);
    CHECK(add_ioeventfd(0x1000, 8, event.get(), 1, 5) == 0);
    CHECK(add_ioeventfd(0x1000, 8, event.get(), 1, 7) == 0);
    CHECK(add_ioeventfd(0x1000, 4, event.get()) == EEXIST);
}

TEST_CASE_FIXTURE(FunctionFixture,
                  "REMOVE of an ioeventfd compares length, flags and the value if flagged")
{
    CHECK(add_ioeventfd(0x1000, 4, event.get()) == 0);
    CHECK(remove_ioeventfd(0x1000, 0) == ENOENT);
    CHECK(remove_ioeventfd(0x1000, 4, 1) == ENOENT);
    CHECK(remove_ioeventfd(0x1000, 4, 0, 99) == 0);
    CHECK(remove_ioeventfd(0x1000, 4) == ENOENT);
    CHECK(add_ioeventfd(0x1000, 4, event.get(), 1, 5) == 0);
    CHECK(remove_ioeventfd(0x1000, 4, 0, 5) == ENOENT);
    CHECK(remove_ioeventfd(0x1000, 4, 1, 6) == ENOENT);
    CHECK(remove_ioeventfd(0x1000, 4, 1, 5) == 0);
}

TEST_CASE_FIXTURE(FunctionFixture, "REMOVE of what was never added is ENOENT")
{
    CHECK(remove_vcpu(0) == ENOENT);
    CHECK(remove_irqfd(3) == ENOENT);
    CHECK(remove_ioeventfd(0x1000, 4) == ENOENT);
    CHECK(describe(GH_VM_REMOVE_FUNCTION, 0, 4, big.data()) == ENOENT);
    CHECK(describe(GH_VM_REMOVE_FUNCTION, 9, 4, big.data()) == ENOENT);
}

TEST_CASE_FIXTURE(FunctionFixture,
                  "REMOVE wants the argument's exact size and can be asked for too much")
{
    add_vcpu(0);
    for (const std::uint32_t size : {0u, 3u, 8u, 257u})
        CHECK(describe(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, size, big.data()) == ENOENT);
    CHECK(describe(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, 0xffff'ffff, big.data()) == ENOMEM);
    CHECK(describe(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, 1u << 30, big.data()) == ENOMEM);
    CHECK(describe(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, 4, nullptr) == EFAULT);
    CHECK(describe(GH_VM_REMOVE_FUNCTION, 9, 4, nullptr) == EFAULT);
    CHECK(remove_vcpu(0) == 0);
    CHECK(remove_vcpu(0) == ENOENT);
}

TEST_CASE_FIXTURE(FunctionFixture, "functions can be added after a failed START")
{
    CHECK(start() == EINVAL);
    CHECK(add_vcpu(0).file != nullptr);
    CHECK(add_irqfd(event.get(), 0) == 0);
    CHECK(add_ioeventfd(0x1000, 4, event.get()) == 0);
}
