// SPDX-License-Identifier: BSD-3-Clause
#include "client_fixture.h"

#include <array>
#include <csignal>
#include <functional>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

using namespace gh::test;

TEST_CASE_FIXTURE(ClientFixture, "memory flags other than read, write, execute are EINVAL")
{
    for (const std::uint32_t flags : {0u, 1u, 2u, 3u, 4u})
        CHECK(region(kBase + flags * kPage, kPage, flags) == 0);
    for (const std::uint32_t flags : {8u, 0x10u, 1u << 31, 15u})
        CHECK(region(0x9000'0000, kPage, flags) == EINVAL);
}

TEST_CASE_FIXTURE(ClientFixture, "size, guest and host address of memory must be whole pages")
{
    CHECK(region(kBase, 0) == EINVAL);
    CHECK(region(kBase, 0x1001) == EINVAL);
    CHECK(region(kBase + 1, kPage) == EINVAL);
    CHECK(region(kBase, kPage, 7, false, 0, ram.data() + 1) == EINVAL);
}

TEST_CASE_FIXTURE(ClientFixture, "a guest range that wraps is EINVAL, one that ends at 2^64 is not")
{
    CHECK(region(~std::uint64_t{0xfff}, 2 * kPage) == EINVAL);
    CHECK(region(~std::uint64_t{0xfff}, kPage) == 0);
}

TEST_CASE_FIXTURE(ClientFixture,
                  "memory that overlaps is EEXIST, neighbours and equal labels are not")
{
    CHECK(region(kBase + 2 * kPage, 2 * kPage) == 0);
    CHECK(region(kBase + 2 * kPage, 2 * kPage) == EEXIST);
    CHECK(region(kBase + kPage, 2 * kPage) == EEXIST);
    CHECK(region(kBase + 3 * kPage, 2 * kPage) == EEXIST);
    CHECK(region(kBase, 8 * kPage) == EEXIST);
    CHECK(region(kBase + kPage, kPage) == 0);
    CHECK(region(kBase + 4 * kPage, kPage) == 0);
}

TEST_CASE_FIXTURE(ClientFixture, "the host address is not looked at before START")
{
    CHECK(region(kBase, kPage, 7, false, 0, reinterpret_cast<void*>(kPage)) == 0);
    CHECK(region(kBase + kPage, kPage, 7, true, 0, reinterpret_cast<void*>(~0xfffull)) == 0);
}

TEST_CASE_FIXTURE(ClientFixture, "a devicetree in memory that is not mapped is EFAULT at START")
{
    ::munmap(ram.data() + (kDtb - kBase), kPage);
    region(kBase, kRam);
    set_dtb(kDtb, kPage);
    CHECK(start() == EFAULT);
}

namespace {

/// A generation that gives memory at START.
struct LendingFixture : ClientFixture {
    LendingFixture() : ClientFixture({.personality = "android14"}) {}
};

}  // namespace

TEST_CASE_FIXTURE(LendingFixture, "shared memory is the client's own mapping")
{
    prepare();
    CHECK(start() == 0);
    REQUIRE(hypervisor().config.ram.size() == 1);
    CHECK(hypervisor().config.ram[0].host.data() == ram.data());
    CHECK(hypervisor().config.ram[0].host.size() == kRam);
}

TEST_CASE_FIXTURE(LendingFixture, "rights of a region are the guest's rights")
{
    prepare();
    region(0x9000'0000, kPage, 1, false, 1);
    CHECK(start() == 0);
    REQUIRE(hypervisor().config.ram.size() == 2);
    CHECK(hypervisor().config.ram[0].executable);
    CHECK_FALSE(hypervisor().config.ram[1].writable);
    CHECK_FALSE(hypervisor().config.ram[1].executable);
}

namespace {

/// The signal that ends a child which does `body`; 0 if it comes to an end.
int signal_of_child(const std::function<void()>& body)
{
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGBUS, SIG_DFL);
        std::signal(SIGSEGV, SIG_DFL);
        body();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("touching lent memory after START is SIGBUS, reading or writing")
{
    for (const bool write : {false, true})
        CHECK(signal_of_child([write] {
                  LendingFixture client;
                  client.prepare(true);
                  if (client.start() != 0)
                      return;
                  volatile auto* at = reinterpret_cast<volatile char*>(client.ram.data());
                  if (write)
                      *at = 1;
                  else
                      static_cast<void>(*at);
              }) == SIGBUS);
    CHECK(signal_of_child([] {
              LendingFixture client;
              client.prepare(true);
              *reinterpret_cast<volatile char*>(client.ram.data()) = 1;
          }) == 0);
}

TEST_CASE_FIXTURE(LendingFixture,
                  "lent memory comes back with the guest's stores when the last file goes")
{
    prepare(true);
    ram.data()[5] = std::byte{0x77};
    auto vcpu = add_vcpu(0).file;
    REQUIRE(start() == 0);
    CHECK_FALSE(readable(ram.data()));
    hypervisor().config.ram[0].host[0] = std::byte{0x5a};
    vm.reset();
    CHECK_FALSE(readable(ram.data()));  // the vCPU file holds the VM
    vcpu.reset();
    CHECK(ram.data()[0] == std::byte{0x5a});
    CHECK(ram.data()[5] == std::byte{0x77});
}

TEST_CASE_FIXTURE(ClientFixture, "lent memory of several mappings moves and returns each as it was")
{
    const gh::Fd file = gh::make_memfd("image", kPage);
    REQUIRE(::pwrite(file.get(), "image", 5, 0) == 5);
    REQUIRE(::mmap(ram.data() + kPage, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                   file.get(), 0) != MAP_FAILED);
    REQUIRE(::mmap(ram.data() + 2 * kPage, kPage, PROT_READ, MAP_PRIVATE | MAP_FIXED, file.get(),
                   0) != MAP_FAILED);
    prepare(true);
    REQUIRE(start() == 0);
    CHECK(touch(kBase) == 0);
    CHECK(hypervisor().range_at(kBase + kPage)->writable);
    CHECK_FALSE(hypervisor().range_at(kBase + 2 * kPage)->writable);
    std::memcpy(hypervisor().find(kBase + kPage), "guest", 5);
    toucher.reset();
    vm.reset();
    CHECK(std::memcmp(ram.data() + kPage, "guest", 5) == 0);
    CHECK(std::memcmp(ram.data() + 2 * kPage, "guest", 5) == 0);  // the same file
}

TEST_CASE_FIXTURE(LendingFixture,
                  "what the client has mapped over lent memory stays when it comes back")
{
    prepare(true);
    REQUIRE(start() == 0);
    REQUIRE(::mmap(ram.data(), kPage, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
    ram.data()[0] = std::byte{1};
    ::munmap(ram.data() + kPage, kPage);
    vm.reset();
    CHECK(ram.data()[0] == std::byte{1});
    CHECK_FALSE(readable(ram.data() + kPage));
    CHECK(readable(ram.data() + 2 * kPage));
}

TEST_CASE_FIXTURE(LendingFixture, "memory lent to one VM cannot be lent to or shared with another")
{
    prepare(true);
    REQUIRE(start() == 0);
    const auto first = std::move(vm);
    const gh::Mapping image("image", kRam, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    const auto blob = gh::fdt::flatten(gh::fdt::probe_tree());
    std::memcpy(image.data(), blob.data(), blob.size());
    for (const bool lend : {false, true}) {
        vm = create_vm();
        region(kBase, kRam, 7, false, 0, image.data());
        set_dtb(kBase, kRam);
        region(0x9000'0000, kPage, 7, lend, 1);
        CHECK(start() == EINVAL);
    }
}

TEST_CASE_FIXTURE(LendingFixture, "memory cannot be shared and lent at once, shared twice it can")
{
    prepare();
    region(0x9000'0000, kPage, 7, false, 1);
    CHECK(start() == 0);
    vm = create_vm();
    prepare();
    region(0x9000'0000, kPage, 7, true, 1);
    CHECK(start() == EINVAL);
}

TEST_CASE_FIXTURE(LendingFixture, "a failed START gives lent memory back at close")
{
    prepare(true);
    region(0x9000'0000, kPage, 7, false, 1);  // the same host page: refused after the first is lent
    CHECK(start() == EINVAL);
    vm.reset();
    CHECK(readable(ram.data()));
}

TEST_CASE_FIXTURE(ClientFixture, "memory added after START is taken")
{
    prepare();
    REQUIRE(start() == 0);
    CHECK(region(0x9000'0000, kPage, 7, false, 1) == 0);
    CHECK(region(0x9000'0000, kPage, 7, false, 1) == EEXIST);
}

TEST_CASE_FIXTURE(ClientFixture, "a forked child may not add memory")
{
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(region(kBase, kPage));
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == EPERM);
}
