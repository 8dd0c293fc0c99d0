// SPDX-License-Identifier: BSD-3-Clause
// Demand paging (gunyah-uapi.md 2.2 to 2.4, 2.7 and 2.8), on every generation that has it.
#include "client_fixture.h"
#include "emulator/driver/guest_memory.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

using namespace gh::test;
using gh::driver::GuestMemoryFile;
using gh::hyp::FaultAccess;
using gh::hyp::Resume;

namespace {

constexpr std::uint64_t kLater = 0x9000'0000;  // where nothing is bound at first
constexpr std::uint64_t kHuge = 2ull << 20;
constexpr std::uint32_t kLend = 0x71;
constexpr std::uint32_t kShare = 0x72;
constexpr std::uint32_t kUnmap = 0x100;
constexpr int kMmio = -1;

struct PagedClient : ClientFixture {
    explicit PagedClient(std::string_view name, bool lend = false)
        : ClientFixture({.personality = std::string(name)})
    {
        prepare(lend);
        started = start();
    }
    int started = -1;

    /// Binds `host` (user memory) or the next 8 MiB of a new file.
    int bind(std::uint64_t at, bool lend, std::uint32_t rights = 7, std::uint64_t size = kRam)
    {
        if (!personality.guest_memory)
            return region(at, size, rights, lend, 1, more.data());
        std::uint32_t fd = 0;
        file = create_guest_memory(kRam, fd);
        return map_memory(at, rights << 4 | (lend ? 1 : 2), fd, 0, size);
    }

    int reclaim(std::uint64_t at, std::uint64_t size)
    {
        return call(*vm, GUNYAH_VM_RECLAIM_REGION, gh_vm_dtb_config{at, size});
    }

    gh::Mapping more{"more memory", kRam, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS};
    std::unique_ptr<File> file;
};

/// Of the v17 series, with a file bound for the guest alone, which its owner does not map.
struct AloneClient : ClientFixture {
    AloneClient() : ClientFixture({.personality = "v17"})
    {
        place_tree(gh::fdt::probe_tree());
        file = create_guest_memory(kRam, fd);
        REQUIRE(::pwrite(file->memory_fd(), ram.data(), kRam, 0) == kRam);
        REQUIRE(map_memory(kBase, kLend, fd, 0, kRam) == 0);
        set_dtb(kDtb, kHuge);
        REQUIRE(start() == 0);
    }
    gh::driver::GuestMemory& memory() { return dynamic_cast<GuestMemoryFile&>(*file).memory(); }
    int punch(std::uint64_t offset, std::uint64_t size)
    {
        return memory().allocate(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, size);
    }
    int unmap(std::uint64_t offset, std::uint64_t size)
    {
        return map_memory(kBase + offset, kLend | kUnmap, fd, offset, size);
    }

    std::uint32_t fd = 0;
    std::unique_ptr<File> file;
};

}  // namespace

TEST_CASE("2.2, 2.3: START gives the devicetree's range and nothing else")
{
    for (const char* name : kFifteenOn) {
        CAPTURE(name);
        PagedClient client{name};
        REQUIRE(client.started == 0);
        const auto& given = hypervisor().config.ram;
        REQUIRE(given.size() == 1);
        CHECK(given[0].at == gh::Gpa{kDtb});
        CHECK(given[0].host.size() == kHuge);
        CHECK(hypervisor().config.paging.on);
        CHECK(hypervisor().config.paging.guests_alone.empty());
    }
    for (const char* name : kPinning) {
        PagedClient client{name};
        CHECK(hypervisor().find(kBase) != nullptr);
        CHECK_FALSE(hypervisor().config.paging.on);
    }
}

TEST_CASE("SET_DEMAND_PAGING: what is lent at START faults as the guest's own")
{
    for (const char* name : kAndroidPaged) {
        PagedClient client{name, true};
        REQUIRE(client.started == 0);
        REQUIRE(hypervisor().config.paging.guests_alone.size() == 1);
        CHECK(hypervisor().config.paging.guests_alone[0].at == gh::Gpa{kBase});
        CHECK(hypervisor().config.paging.guests_alone[0].size == kRam);
        CHECK(hypervisor().config.ram[0].guests_alone);
    }
}

TEST_CASE("2.7: a page fault brings the page in, and the guest goes on")
{
    for (const char* name : kFifteenOn) {
        CAPTURE(name);
        PagedClient client{name};
        CHECK(hypervisor().find(kBase) == nullptr);
        CHECK(client.touch(kBase + 0x123) == 0);
        CHECK(hypervisor().find(kBase) != nullptr);
        CHECK(client.touch(kBase, FaultAccess::Write) == 0);  // somebody was faster
    }
}

TEST_CASE("2.7: so does an access that looks like MMIO, which is then retried")
{
    for (const char* name : kFifteenOn) {
        CAPTURE(name);
        PagedClient client{name};
        CHECK(client.store(kBase + 8, 5) == 0);
        CHECK(hypervisor().resumes.back().action == Resume::Action::Retry);
        CHECK(hypervisor().find(kBase) != nullptr);
        CHECK(client.load(kBase + kRam - 8) == 0);
    }
}

TEST_CASE("2.7: memory comes before ioeventfds")
{
    PagedClient client{"android15"};
    const gh::EventFd event;
    CHECK(client.add_ioeventfd(kBase + 8, 8, event.get()) == 0);
    CHECK(client.add_ioeventfd(kLater + 8, 8, event.get()) == 0);
    CHECK(client.store(kBase + 8) == 0);
    CHECK(event.drain() == 0);
    CHECK(client.store(kLater + 8) == 0);
    CHECK(event.drain() == 1);
}

TEST_CASE("2.8: -ENOENT no binding at that address; the exit's address and preset action")
{
    for (const char* name : kFifteenOn) {
        PagedClient client{name};
        CHECK(client.touch(kLater + 0x18) == ENOENT);
        CHECK(client.touched().page_fault.phys_addr == kLater + 0x18);
        CHECK(client.touched().page_fault.resume_action == GUNYAH_VCPU_RESUME_FAULT);
    }
}

TEST_CASE("2.8: an access without binding that can be decoded is an MMIO exit")
{
    for (const char* name : kFifteenOn) {
        PagedClient client{name};
        CHECK(client.load(kLater) == kMmio);
        CHECK(client.touched().mmio.phys_addr == kLater);
        CHECK(client.store(kLater) == kMmio);
    }
}

TEST_CASE("2.8: -EPERM write to read-only; reading it is well")
{
    for (const char* name : kFifteenOn) {
        PagedClient client{name};
        REQUIRE(client.bind(kLater, false, 1) == 0);
        CHECK(client.touch(kLater, FaultAccess::Write) == EPERM);
        CHECK(hypervisor().find(kLater) == nullptr);
        CHECK(client.store(kLater) == kMmio);
        CHECK(client.touch(kLater) == 0);
        CHECK_FALSE(hypervisor().range_at(kLater)->writable);
        CHECK_FALSE(hypervisor().range_at(kLater)->executable);
        CHECK(client.touch(kLater, FaultAccess::Write) == EPERM);
    }
}

TEST_CASE("page faults: where the real driver loops, executing what may not be executed is -EPERM")
{
    for (const char* name : kFifteenOn) {
        PagedClient client{name};
        REQUIRE(client.bind(kLater, false, 3) == 0);
        CHECK(client.touch(kLater, FaultAccess::Execute) == 0);
        CHECK(client.touch(kLater, FaultAccess::Execute) == EPERM);
    }
}

TEST_CASE("2.8: -EFAULT host memory bad, until it is mended: the next run tries again")
{
    for (const char* name : kAndroidPaged) {
        PagedClient client{name};
        ::munmap(client.ram.data() + kPage, kPage);
        CHECK(client.touch(kBase + kPage) == EFAULT);
        CHECK(client.touch(kBase) == 0);
        CHECK(client.touch(kBase + 2 * kPage) == 0);
        REQUIRE(::mmap(client.ram.data() + kPage, kPage, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
        client.touched().page_fault.resume_action = 77;  // not consulted
        CHECK(client.touch(kBase + kPage) == 0);
        CHECK(hypervisor().find(kBase + kPage) == client.ram.data() + kPage);
    }
}

TEST_CASE("2.8: a store to memory that its owner may only read is -EFAULT")
{
    PagedClient client{"android15"};
    REQUIRE(client.bind(kLater, false) == 0);
    ::mprotect(client.more.data(), kPage, PROT_READ);
    CHECK(client.touch(kLater) == 0);
    CHECK(client.touch(kLater, FaultAccess::Write) == EFAULT);
    CHECK(client.touch(kLater + kPage, FaultAccess::Write) == 0);
}

TEST_CASE("2.8: memory that another guest has alone is -EINVAL")
{
    PagedClient client{"android15"};
    REQUIRE(client.bind(kLater, true) == 0);
    CHECK(client.touch(kLater) == 0);
    CHECK(client.region(kLater + kRam, kRam, 7, true, 2, client.more.data()) == 0);
    CHECK(client.touch(kLater + kRam) == EINVAL);
    CHECK(client.touch(kLater + kRam + kHuge) == 0);  // nobody has that yet
}

TEST_CASE("2.2: adding after START is effective, shared and lent")
{
    for (const char* name : kFifteenOn)
        for (const bool lend : {false, true}) {
            PagedClient client{name};
            CHECK(client.touch(kLater) == ENOENT);
            CHECK(client.bind(kLater, lend) == 0);
            CHECK(client.touch(kLater) == 0);
            CHECK(hypervisor().range_at(kLater)->guests_alone == lend);
        }
}

TEST_CASE("lent memory leaves its owner as the guest touches it, a huge page's worth at a time")
{
    for (const char* name : kAndroidPaged) {
        PagedClient client{name, true};
        REQUIRE(client.started == 0);
        CHECK(readable(client.ram.data()));
        CHECK_FALSE(readable(client.ram.data() + (kDtb - kBase)));
        client.ram.data()[kPage] = std::byte{7};
        CHECK(client.touch(kBase) == 0);
        CHECK(*hypervisor().find(kBase + kPage) == std::byte{7});
        CHECK_FALSE(readable(client.ram.data()));
        CHECK_FALSE(readable(client.ram.data() + kHuge - kPage));
        CHECK(readable(client.ram.data() + kRam - kPage));
        *hypervisor().find(kBase + kPage) = std::byte{8};
        client.toucher.reset();
        client.vm.reset();
        CHECK(client.ram.data()[kPage] == std::byte{8});
    }
}

TEST_CASE("RECLAIM_REGION: EPERM for another process, EINVAL unaligned, 0 for what nobody has")
{
    PagedClient client{"android16"};
    CHECK(client.reclaim(kBase + 1, kPage) == EINVAL);
    CHECK(client.reclaim(kBase, 1) == EINVAL);
    CHECK(client.reclaim(0x123'0000'0000, kPage) == 0);
    CHECK(client.reclaim(kBase, 0) == 0);
    CHECK(client.reclaim(~std::uint64_t{0xfff}, kPage) == 0);
}

TEST_CASE("RECLAIM_REGION of shared memory takes it, and the guest gets it again when it asks")
{
    PagedClient client{"android16"};
    CHECK(client.touch(kBase) == 0);
    CHECK(client.reclaim(kBase + kPage, kPage) == 0);
    CHECK(hypervisor().find(kBase) != nullptr);
    CHECK(hypervisor().find(kBase + kPage) == nullptr);
    CHECK(client.touch(kBase + kPage) == 0);
    CHECK(hypervisor().find(kBase + kPage) == client.ram.data() + kPage);
    CHECK(client.reclaim(kBase, kRam) == 0);
    CHECK(hypervisor().ram.empty());
}

TEST_CASE("RECLAIM_REGION of what the guest has alone is EBUSY [F] until it releases the pages")
{
    PagedClient client{"android16", true};
    CHECK(client.touch(kBase) == 0);
    CHECK(client.reclaim(kBase, 4 * kPage) == EBUSY);
    CHECK_FALSE(readable(client.ram.data()));
    *hypervisor().find(kBase + kPage) = std::byte{5};
    hypervisor().release(kBase + kPage, 2 * kPage);
    CHECK(client.reclaim(kBase, 4 * kPage) == EBUSY);  // the others are taken all the same
    CHECK_FALSE(readable(client.ram.data()));
    CHECK(client.ram.data()[kPage] == std::byte{5});
    CHECK(readable(client.ram.data() + 2 * kPage));
    CHECK_FALSE(readable(client.ram.data() + 3 * kPage));
    CHECK(client.touch(kBase + kPage) == 0);
    CHECK_FALSE(readable(client.ram.data() + kPage));
    CHECK(*hypervisor().find(kBase + kPage) == std::byte{5});
    client.toucher.reset();
    client.vm.reset();
    CHECK(client.ram.data()[kPage] == std::byte{5});
}

TEST_CASE("what the guest has released and nobody has taken it gets again as it was")
{
    for (const char* name : kAndroidPaged) {
        PagedClient client{name, true};
        CHECK(client.touch(kBase) == 0);
        *hypervisor().find(kBase + kPage) = std::byte{5};
        hypervisor().release(kBase, 2 * kPage);
        CHECK(client.touch(kBase + kPage) == 0);
        CHECK(*hypervisor().find(kBase + kPage) == std::byte{5});
        CHECK(hypervisor().find(kBase) == nullptr);
        CHECK(client.touch(kBase) == 0);
    }
}

TEST_CASE("a client may lend elsewhere what it has reclaimed")
{
    PagedClient client{"android16"};
    REQUIRE(client.bind(kLater, false) == 0);
    CHECK(client.touch(kLater) == 0);
    CHECK(client.region(kLater + kRam, kRam, 7, true, 2, client.more.data()) == 0);
    CHECK(client.touch(kLater + kRam) == EINVAL);  // it is shared
    CHECK(client.reclaim(kLater, kPage) == 0);
    CHECK(client.touch(kLater + kRam) == 0);
}

TEST_CASE("2.3: UNMAP of what the guest shares takes it away; the address is free for another")
{
    for (const char* name : kGuestMemory) {
        PagedClient client{name};
        std::uint32_t fd = 0;
        const auto file = client.create_guest_memory(kRam, fd);
        REQUIRE(client.map_memory(kLater, kShare, fd, 0, kRam) == 0);
        CHECK(client.touch(kLater) == 0);
        CHECK(client.map_memory(kLater, kShare | kUnmap, fd, 0, kHuge) == 0);
        CHECK(hypervisor().find(kLater) == nullptr);
        CHECK(client.touch(kLater) == ENOENT);
        CHECK(client.load(kLater) == kMmio);
        CHECK(hypervisor().find(kLater + kHuge) != nullptr);
        CHECK(client.map_memory(kLater, kShare, fd, 0, kHuge) == 0);
        CHECK(client.touch(kLater) == 0);
        *hypervisor().find(kLater) = std::byte{9};
        std::byte read{};
        CHECK(::pread(file->memory_fd(), &read, 1, 0) == 1);
        CHECK(read == std::byte{9});
    }
}

TEST_CASE_FIXTURE(AloneClient, "2.3: UNMAP of the tail leaves the head as it is")
{
    CHECK(touch(kBase) == 0);
    CHECK(unmap(kRam - kHuge, kHuge) == 0);  // never touched
    CHECK(touch(kBase + kRam - kHuge) == ENOENT);
    CHECK(hypervisor().find(kBase) != nullptr);
    CHECK(unmap(0, kHuge) == EBUSY);
    hypervisor().release(kBase, kHuge);
    CHECK(unmap(0, kHuge) == 0);
    CHECK(touch(kBase) == ENOENT);
    CHECK(touch(kBase + 2 * kHuge) == 0);
}

TEST_CASE_FIXTURE(AloneClient,
                  "2.3: what the guest has alone can be neither mapped nor punched nor unmapped")
{
    CHECK(memory().prepare_map({0, kPage}) == 0);  // it has not touched that
    CHECK(touch(kBase) == 0);
    CHECK(memory().prepare_map({0, kPage}) == EBUSY);
    CHECK_THROWS_AS((void)file->map_run_page(kPage), gh::Error);
    CHECK(punch(0, kPage) == EBUSY);
    CHECK(map_memory(kBase, kLend | kUnmap, fd, 0, kRam) == EBUSY);
    *hypervisor().find(kBase) = std::byte{0x5a};
    toucher.reset();
    vm.reset();
    CHECK(*file->map_run_page(kPage) == std::byte{0x5a});
}

TEST_CASE_FIXTURE(AloneClient,
                  "2.3: the owner has what the guest released, by mapping it or a hole")
{
    CHECK(touch(kBase) == 0);
    *hypervisor().find(kBase) = std::byte{0x5a};
    hypervisor().release(kBase, 2 * kPage);
    CHECK(punch(kPage, kPage) == 0);
    CHECK(*file->map_run_page(kPage) == std::byte{0x5a});
    CHECK(touch(kBase) == EPERM);  // it is mapped
    CHECK(touch(kBase + kPage) == 0);
    CHECK(punch(kPage, kPage) == EBUSY);
}

TEST_CASE_FIXTURE(AloneClient, "2.3: a hole in what the guest shares is zeroes when it comes back")
{
    std::uint32_t other = 0;
    const auto shared = create_guest_memory(kRam, other);
    REQUIRE(map_memory(kLater, kShare, other, 0, kRam) == 0);
    CHECK(touch(kLater) == 0);
    *hypervisor().find(kLater) = std::byte{1};
    auto& its = dynamic_cast<GuestMemoryFile&>(*shared).memory();
    CHECK(its.allocate(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, kPage) == 0);
    CHECK(hypervisor().find(kLater) == nullptr);
    CHECK(touch(kLater) == 0);
    CHECK(*hypervisor().find(kLater) == std::byte{0});
}

TEST_CASE("2.3: a page that its owner has mapped is -EPERM, its neighbours are not")
{
    for (const char* name : kGuestMemory) {
        PagedClient client{name};
        std::uint32_t fd = 0;
        const auto file = client.create_guest_memory(kRam, fd);
        (void)file->map_run_page(kPage);
        REQUIRE(client.map_memory(kLater, kLend, fd, 0, kRam) == 0);
        CHECK(client.touch(kLater) == EPERM);
        CHECK(client.touch(kLater + kPage) == 0);
        CHECK(client.touch(kLater + kHuge) == 0);
    }
}

TEST_CASE("2.7: a page that was brought in is not forgotten by a run that a signal ends")
{
    PagedClient client{"android15"};
    client.toucher = client.add_vcpu(0).file;
    hypervisor().steps[0] = {[&] {
        client.touched().immediate_exit = 1;
        return gh::hyp::VcpuRunResult{gh::hyp::VcpuState::VmmioRead, {kBase, 8, 0}};
    }};
    CHECK(client.toucher->ioctl(GH_VCPU_RUN, 0).error == EINTR);
    client.touched().immediate_exit = 0;
    hypervisor().steps[0] = {returns(gh::hyp::VcpuState::VmmioWrite, 0x1000, 8, 0)};
    CHECK(client.toucher->ioctl(GH_VCPU_RUN, 0).error == 0);
    CHECK(hypervisor().resumes.back().action == Resume::Action::Retry);
}

TEST_CASE("2.3: pages are taken back whole, however odd the length of a mapping")
{
    AloneClient client;
    hypervisor().release(kDtb, kPage);
    CHECK(client.memory().prepare_map({kDtb - kBase, 1}) == 0);
    CHECK(client.memory().prepare_map({kDtb - kBase + 1, kPage}) == 0);  // the kernel refuses it
    CHECK(client.touch(kDtb) == 0);
    for (const auto& range : hypervisor().ram)
        CHECK(range.host.size() % kPage == 0);
}

TEST_CASE(
    "2.3: what the guest has alone is out of reach of its file's descriptors, until it is back")
{
    AloneClient client;
    client.ram.data()[5] = std::byte{0x5a};
    REQUIRE(::pwrite(client.file->memory_fd(), client.ram.data(), kPage, 0) == kPage);
    const auto read = [&] {
        std::byte byte{};
        REQUIRE(::pread(client.file->memory_fd(), &byte, 1, 5) == 1);
        return byte;
    };
    CHECK(read() == std::byte{0x5a});
    REQUIRE(client.touch(kBase) == 0);
    CHECK(hypervisor().find(kBase)[5] == std::byte{0x5a});
    CHECK(read() == std::byte{0});
    hypervisor().find(kBase)[5] = std::byte{0x6b};
    REQUIRE(::pwrite(client.file->memory_fd(), "abcdefgh", 8, 0) == 8);
    CHECK(hypervisor().find(kBase)[5] == std::byte{0x6b});
    hypervisor().release(kBase, kHuge);
    CHECK(client.memory().prepare_map({0, kPage}) == 0);
    CHECK(read() == std::byte{0x6b});
}

TEST_CASE("2.3: what is lent anew stays lent when the rest of an older loan ends")
{
    AloneClient client;
    hypervisor().release(kDtb, kPage);
    CHECK(client.punch(kDtb - kBase, kPage) == 0);
    CHECK(client.touch(kDtb) == 0);
    CHECK(client.memory().prepare_map({kDtb - kBase, kPage}) == EBUSY);
    hypervisor().release(kDtb + kPage, kHuge - kPage);
    CHECK(client.punch(kDtb - kBase + kPage, kHuge - kPage) == 0);
    CHECK(hypervisor().find(kDtb) != nullptr);
    CHECK(client.memory().prepare_map({kDtb - kBase, kPage}) == EBUSY);
}
