// SPDX-License-Identifier: BSD-3-Clause
// CREATE_GUEST_MEM and MAP_MEM (gunyah-uapi.md 2.3), with the rows gmem.* and map.* of
// golden/device-probe as the oracle: their ids stand in the names.
#include "emulator/driver/guest_memory.h"

#include "client_fixture.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

using namespace gh::test;
using gh::driver::GuestMemoryFile;

namespace {

constexpr std::uint32_t kDefault = 0x70;  // lent, all rights
constexpr std::uint32_t kLend = 0x71;
constexpr std::uint32_t kShare = 0x72;
constexpr std::uint32_t kUnmap = 0x100;

struct GuestMemoryFixture : ClientFixture {
    GuestMemoryFixture() : ClientFixture({.personality = "v17"}) { file = make(0x1'0000, fd); }

    std::unique_ptr<File> make(std::uint64_t size, std::uint32_t& number, std::uint64_t flags = 1)
    {
        return create_guest_memory(size, number, flags);
    }
    int create(std::uint64_t size, std::uint64_t flags)
    {
        return call(*device, GUNYAH_CREATE_GUEST_MEM, gunyah_create_mem_args{flags, size, {}});
    }
    int map(std::uint64_t at, std::uint32_t flags, std::uint64_t offset, std::uint64_t size)
    {
        return map_memory(at, flags, fd, offset, size);
    }
    int allocate(int mode, std::uint64_t offset, std::uint64_t size)
    {
        return dynamic_cast<GuestMemoryFile&>(*file).memory().allocate(mode, offset, size);
    }

    std::uint32_t fd = 0;
    std::unique_ptr<File> file;
};

}  // namespace

TEST_CASE_FIXTURE(GuestMemoryFixture, "gmem.null, gmem.size0, gmem.unaligned, gmem.badflags")
{
    CHECK(device->ioctl(GUNYAH_CREATE_GUEST_MEM, 0).error == EFAULT);
    CHECK(create(0, 0) == 0);
    CHECK(create(0x1001, 0) == EINVAL);
    CHECK(create(kPage, 4) == EINVAL);
    CHECK(create(kPage, std::uint64_t{1} << 63) == EINVAL);
    CHECK(create(1, 4) == EINVAL);  // gmem.order
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "gmem.reserved, gmem.huge, gmem.max")
{
    CHECK(call(*device, GUNYAH_CREATE_GUEST_MEM,
               gunyah_create_mem_args{0, kPage, {1, 2, 3, 4, 5, 6}}) == 0);
    CHECK(create(kPage, 2) == 0);
    CHECK(create(2u << 20, 2) == 0);
    CHECK(create(std::uint64_t{1} << 62, 0) == 0);
    CHECK(create(std::uint64_t{1} << 63, 0) == 0);
    CHECK(create(~std::uint64_t{0xfff}, 0) == 0);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "gmem.zero, gmem.ioctl")
{
    std::byte* const at = file->map_run_page(0x1'0000);
    CHECK(*at == std::byte{0});
    *at = std::byte{9};
    std::byte read{};
    CHECK(::pread(file->memory_fd(), &read, 1, 0) == 1);
    CHECK(read == std::byte{9});
    CHECK(file->ioctl(GH_VM_START, 0).error == ENOTTY);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "gmem.fallocate")
{
    constexpr int kKeep = FALLOC_FL_KEEP_SIZE;
    CHECK(allocate(0, 0, kPage) == EOPNOTSUPP);
    CHECK(allocate(kKeep, 0, kPage) == 0);
    CHECK(allocate(kKeep, 0xf000, 2 * kPage) == EINVAL);
    CHECK(allocate(kKeep, 1, kPage) == EINVAL);
    CHECK(allocate(kKeep | FALLOC_FL_PUNCH_HOLE, 0, kPage) == 0);
    CHECK(allocate(kKeep | FALLOC_FL_ZERO_RANGE, 0, kPage) == 0);
    CHECK(allocate(FALLOC_FL_COLLAPSE_RANGE, 0, kPage) == EOPNOTSUPP);
    CHECK(allocate(FALLOC_FL_INSERT_RANGE | kKeep, 0, kPage) == EOPNOTSUPP);
    CHECK(allocate(kKeep, 0, 0) == EINVAL);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "2.3: the size never changes, by whatever way one truncates")
{
    const std::string path = "/proc/self/fd/" + std::to_string(file->memory_fd());
    CHECK(::truncate(path.c_str(), 0) == -1);
    CHECK(::truncate(path.c_str(), 0x2'0000) == -1);
    CHECK(allocate(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 0x1'0000) == 0);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "map.null, map.ok, map.align")
{
    CHECK(vm->ioctl(GUNYAH_VM_MAP_MEM, 0).error == EFAULT);
    CHECK(map(kBase, kDefault, 0, kPage) == 0);
    CHECK(map(kBase + kPage, kLend, kPage, kPage) == 0);
    CHECK(map(kBase + 2 * kPage, kShare, 2 * kPage, kPage) == 0);
    CHECK(map(kBase + 1, kDefault, 0x8000, kPage) == EINVAL);
    CHECK(map(0x9000'0000, kDefault, 0x8001, kPage) == EINVAL);
    CHECK(map(0x9000'0000, kDefault, 0x8000, 0xfff) == EINVAL);
    CHECK(map(0x9000'0000, kDefault, 0x8000, 0) == EINVAL);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "map.badfd, map.order")
{
    const gh::EventFd event;
    for (const std::uint32_t other : {~0u, 999u, static_cast<std::uint32_t>(event.get())})
        CHECK(map_memory(kBase, kDefault, other, 0, kPage) == EINVAL);
    CHECK(map_memory(kBase + 1, 0x200, ~0u, 0, 1) == EINVAL);
    CHECK(map(kBase + 1, 0x200, 0, 1) == EINVAL);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "map.flags")
{
    for (const std::uint32_t flags : {0u, 0x80u, 0x73u, 0x74u, 0x270u})
        CHECK(map(kBase, flags, 0, kPage) == EINVAL);
    CHECK(map(kBase, 0x20, 0, kPage) == 0);
    CHECK(map(kBase + kPage, 0x40, kPage, kPage) == 0);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "map.overlap, map.twovm")
{
    CHECK(map(kBase, kDefault, 0, 0x2000) == 0);
    CHECK(map(kBase, kDefault, 0, 0x2000) == EEXIST);
    CHECK(map(kBase + 0x1'0000, kDefault, 0x1000, 0x1000) == EEXIST);
    CHECK(map(kBase + 0x1000, kDefault, 0x4000, 0x1000) == EEXIST);
    CHECK(map(kBase + 0x2000, kDefault, 0x2000, 0x1000) == 0);
    const auto first = std::move(vm);
    vm = create_vm();
    CHECK(map(kBase, kDefault, 0, 0x1000) == EEXIST);
    CHECK(map(kBase, kDefault, 0x4000, 0x1000) == 0);  // what failed for its address is free
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "map.beyond")
{
    CHECK(map(kBase, kDefault, 0xf000, 0x2000) == 0);
    CHECK(map(~std::uint64_t{0xfff}, kDefault, 0, 0x2000) == 0);
    CHECK(map(kBase + 0x10'0000, kDefault, ~std::uint64_t{0xfff}, 0x2000) == 0);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "map.unmap")
{
    CHECK(map(kBase, kDefault | kUnmap, 0, 0x1000) == ENOENT);
    CHECK(map(kBase, kDefault, 0, 0x8000) == 0);
    CHECK(map(kBase, 0x30 | kUnmap, 0, 0x8000) == ENOENT);
    CHECK(map(kBase + 0x7000, kDefault | kUnmap, 0x7000, 0x1000) == 0);
    CHECK(map(kBase + 0x2000, kDefault | kUnmap, 0x2000, 0x1000) == EINVAL);
    CHECK(map(kBase, kDefault | kUnmap, 0, 0x7000) == 0);
    CHECK(map(kBase, kDefault | kUnmap, 0, 0x7000) == ENOENT);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "2.3: UNMAP of the head leaves the tail bound, no more")
{
    CHECK(map(kBase, kDefault, 0, 0x4000) == 0);
    CHECK(map(kBase, kDefault | kUnmap, 0x1000, 0x1000) == ENOENT);  // the offset disagrees
    CHECK(map(kBase, kDefault | kUnmap, 0, 0x1000) == 0);
    CHECK(map(kBase, kDefault, 0, 0x1000) == 0);
    CHECK(map(kBase + 0x1000, kDefault, 0x1000, 0x1000) == EEXIST);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "2.3: memory for huge pages must be bound in 2 MiB: EINVAL")
{
    file = make(4u << 20, fd, 3);
    CHECK(map(kBase, kDefault, 0, kPage) == EINVAL);
    CHECK(map(kBase + kPage, kDefault, 0, 2u << 20) == EINVAL);
    CHECK(map(kBase, kDefault, 0, 2u << 20) == 0);
}

TEST_CASE_FIXTURE(GuestMemoryFixture, "2.3: a VM's end frees what was bound to it")
{
    CHECK(map(kBase, kDefault, 0, 0x1'0000) == 0);
    vm = create_vm();
    CHECK(map(kBase, kDefault, 0, 0x1'0000) == 0);
}

TEST_CASE_FIXTURE(GuestMemoryFixture,
                  "2.3: the guest sees shared memory as its owner does, also "
                  "without a descriptor")
{
    prepare();
    const gh::Mapping owners("owner's", kRam, PROT_READ | PROT_WRITE, MAP_SHARED,
                             guest_memory.get());
    guest_memory = {};
    REQUIRE(start() == 0);
    REQUIRE(touch(kBase) == 0);
    *hypervisor().find(kBase) = std::byte{0x5a};
    CHECK(owners.data()[0] == std::byte{0x5a});
}

TEST_CASE("2.6 v15-17: lent memory that its owner has mapped makes START EPERM")
{
    for (const char* name : kGuestMemory) {
        ClientFixture client{{.personality = name}};
        client.place_tree(gh::fdt::probe_tree());
        std::uint32_t fd = 0;
        const auto file = client.create_guest_memory(kRam, fd);
        std::memcpy(file->map_run_page(kRam), client.ram.data(), kRam);
        CHECK(client.map_memory(kBase, kLend, fd, 0, kRam) == 0);
        client.set_dtb(kDtb, 2ull << 20);
        CHECK(client.start() == EPERM);
        CHECK(client.start() == ENODEV);
    }
}

TEST_CASE("2.6 v15-17: a devicetree of less than a page is EINVAL, in no binding ENOENT")
{
    for (const char* name : kGuestMemory) {
        ClientFixture client{{.personality = name}};
        client.prepare();
        client.set_dtb(kDtb, kPage - 1);
        CHECK(client.start() == EINVAL);
        client.vm = client.create_vm();
        client.prepare();
        client.set_dtb(kBase + kRam, kPage);
        CHECK(client.start() == ENOENT);
    }
}
