// SPDX-License-Identifier: BSD-3-Clause
// Demand paging as its owner sees it: gunyah-guest-abi.md 3.8 and 3.9.
#include "base/mapping.h"
#include "emulator/hyp/vm.h"

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <sys/mman.h>

namespace gh::hyp {
namespace {

using Code = std::vector<std::uint32_t>;

constexpr std::uint64_t kCode = 0x8000'0000;
constexpr std::uint64_t kData = 0x9000'0000;  // shared: not among what the guest has alone
constexpr std::uint64_t kAlone = 0xa000'0000;
constexpr std::uint64_t kTable = 0xb000'0000;  // the guest has it from the start
constexpr std::uint64_t kPage = 0x1000;

constexpr std::uint32_t kStore = 0xf900'0022;            // str x2, [x1]
constexpr std::uint32_t kLoad = 0xf940'0023;             // ldr x3, [x1]
constexpr std::uint32_t kStorePair = 0xa900'0822;        // stp x2, x2, [x1]
constexpr std::uint32_t kAtomicAdd = 0xf822'0023;        // ldadd x2, x3, [x1]
constexpr std::uint32_t kZeroLine = 0xd50b'7421;         // dc zva, x1
constexpr std::uint32_t kBranch = 0xd61f'0020;           // br x1
const Code kOff{0xd2b0'8000, 0x9100'2000, 0xd400'0002};  // PSCI SYSTEM_OFF

Code operator+(Code a, const Code& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/// With the table at x20, TCR_EL1 in x21, MAIR_EL1 in x22 and SCTLR_EL1 in x23. Without it, memory
/// is Device memory, which nobody keeps in a TLB.
Code enable_mmu()
{
    return {0xd518'2014, 0xd518'2055, 0xd518'a216, 0xd518'1017, 0xd503'3fdf};
}

/// One page of code that the guest has, and one of data that it has not.
struct PagedGuest {
    /// Identity: the lowest GiB as device, the third as Normal memory.
    PagedGuest()
    {
        const std::array<std::uint64_t, 3> entries{0x705, 0, kCode | 0x701};
        std::memcpy(table.data(), entries.data(), sizeof entries);
        x[20] = kTable;
        x[21] = 25;  // T0SZ: 39 bits, one entry for each GiB
        x[22] = 0xff;
        x[23] = 0x30d0'0801;
    }
    Vm& start(const Code& code, unsigned cpus = 1)
    {
        std::memcpy(code_page.data(), code.data(), 4 * code.size());
        VmConfig config;
        for (unsigned n = 0; n < cpus; ++n)
            config.vcpus.push_back({.mpidr = 0x8000'0000 | n, .boots = true});
        config.gic.redistributors = Gpa{0x3fe0'0000};
        config.ram = {{.at = Gpa{kCode}, .host = code_page.bytes()},
                      {.at = Gpa{kTable}, .host = table.bytes()}};
        config.paging = {true, {{Gpa{kAlone}, kPage}}};
        config.boot.pc = kCode;
        config.boot.x = x;
        vm = std::make_unique<Vm>(std::move(config));
        return *vm;
    }
    void give(std::uint64_t at, bool writable = true)
    {
        vm->map({.at = Gpa{at},
                 .host = data.bytes(),
                 .writable = writable,
                 .guests_alone = at == kAlone});
    }
    [[nodiscard]] std::uint64_t word() const
    {
        std::uint64_t value = 0;
        std::memcpy(&value, data.data(), sizeof value);
        return value;
    }
    /// What the first run of `code` with `address` in x1 says.
    VcpuRunResult first(const Code& code, std::uint64_t address)
    {
        x[1] = address;
        x[2] = 0x1234;
        return start(code + kOff).run(0, {});
    }

    std::array<std::uint64_t, 31> x{};
    Mapping code_page{"code", kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS};
    Mapping table{"table", kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS};
    Mapping data{"data", kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS};
    std::unique_ptr<Vm> vm;
};

constexpr std::uint64_t access(FaultAccess kind)
{
    return static_cast<std::uint64_t>(kind);
}

}  // namespace

TEST_CASE_FIXTURE(PagedGuest,
                  "3.8: a store with a syndrome to memory that is not there is VMMIO, "
                  "and goes to the memory once it is")
{
    const auto result = first({kStore}, kData + 8);
    CHECK(result.state == VcpuState::VmmioWrite);
    CHECK(result.data == std::array<std::uint64_t, 3>{kData + 8, 8, 0x1234});
    give(kData);
    CHECK(vm->run(0, {.action = Resume::Action::Retry}).state == VcpuState::PoweredOff);
    CHECK(data.data()[8] == std::byte{0x34});
}

TEST_CASE_FIXTURE(PagedGuest, "3.8: where the guest will have memory alone it is a page fault")
{
    const auto result = first({kLoad, kStore}, kAlone);
    CHECK(result.state == VcpuState::PageFault);
    CHECK(result.data[0] == kAlone);
    CHECK(result.data[1] == access(FaultAccess::Read));
    CHECK(vm->run(0, {}).state == VcpuState::PageFault);  // still not there
    give(kAlone);
    CHECK(vm->run(0, {}).state == VcpuState::PoweredOff);
    CHECK(word() == 0x1234);
}

TEST_CASE_FIXTURE(PagedGuest, "3.8: accesses without a syndrome are page faults everywhere")
{
    for (const std::uint32_t insn : {kStorePair, kAtomicAdd, kZeroLine}) {
        CAPTURE(insn);
        const auto result = first(enable_mmu() + Code{insn}, kData);
        CHECK(result.state == VcpuState::PageFault);
        CHECK(result.data[0] == kData);
        CHECK(result.data[1] == access(FaultAccess::Write));
        give(kData);
        CHECK(vm->run(0, {}).state == VcpuState::PoweredOff);
    }
}

TEST_CASE_FIXTURE(PagedGuest, "3.8: so is execution, and the code runs when it is there")
{
    const auto result = first({kBranch}, kData);
    CHECK(result.state == VcpuState::PageFault);
    CHECK(result.data[0] == kData);
    CHECK(result.data[1] == access(FaultAccess::Execute));
    std::memcpy(data.data(), kOff.data(), 4 * kOff.size());
    give(kData);
    CHECK(vm->run(0, {}).state == VcpuState::PoweredOff);
}

TEST_CASE_FIXTURE(PagedGuest, "3.8: a store to read-only memory is a page fault, again and again")
{
    x[1] = kData;
    start(Code{kStore} + kOff);
    give(kData, false);
    for (int n = 0; n < 3; ++n) {
        const auto result = vm->run(0, {});
        CHECK(result.state == VcpuState::PageFault);
        CHECK(result.data[1] == access(FaultAccess::Write));
    }
}

TEST_CASE_FIXTURE(PagedGuest, "3.8: a translation table that is not there is a page fault")
{
    x[20] = kData;
    const auto result = first(enable_mmu(), kData);
    CHECK(result.state == VcpuState::PageFault);
    CHECK(result.data[0] == kData + 8 * (kCode >> 30));
    const std::uint64_t block = kCode | 0x701;
    std::memcpy(data.data() + 8 * (kCode >> 30), &block, sizeof block);
    give(kData);
    CHECK(vm->run(0, {}).state == VcpuState::PoweredOff);
}

TEST_CASE_FIXTURE(PagedGuest, "3.8: outside 36 bits, and in the info page, it is an external abort")
{
    for (const std::uint64_t at : {0x10'0000'0000ull, 0x4000'0000ull}) {
        const Code spin_at_vectors{kStore};
        x[2] = 1;
        const auto result = first(spin_at_vectors, at);
        // VBAR_EL1 is 0, where there is nothing either.
        CHECK(result.state == VcpuState::PageFault);
        CHECK(result.data[0] == 0x200);
        CHECK(result.data[1] == access(FaultAccess::Execute));
    }
}

TEST_CASE_FIXTURE(PagedGuest, "what is taken away faults at the next touch, code that was run too")
{
    x[1] = kData;
    x[2] = 1;
    // One store for each run: exits by a load from the VMMIO window.
    start(enable_mmu() + Code{kStore, 0xf940'00c3, 0x17ff'fffe});  // ldr x3, [x6 = 0]; b -2
    give(kData);
    for (int n = 0; n < 100; ++n)
        CHECK(vm->run(0, {}).state == VcpuState::VmmioRead);
    vm->unmap({Gpa{kData}, kPage});
    CHECK(vm->run(0, {}).state == VcpuState::VmmioWrite);
    CHECK_FALSE(vm->has_any({Gpa{kData}, kPage}));
    vm->unmap({Gpa{kCode}, kPage});
    CHECK(vm->run(0, {}).state == VcpuState::PageFault);
}

TEST_CASE_FIXTURE(PagedGuest, "code that comes back different is decoded anew")
{
    x[1] = kData;
    start(enable_mmu() + Code{0xd63f'0020, 0x17ff'ffff});  // blr x1; b -1
    // str x2, [x6 = 0]; ret, with another number of bytes each time
    const std::array<std::uint32_t, 2> stores{0x3900'00c2, 0x7900'00c2};
    for (int n = 0; n < 6; ++n) {
        const Code code{stores.at(static_cast<unsigned>(n) % 2), 0xd65f'03c0};
        std::memcpy(data.data(), code.data(), 4 * code.size());
        give(kData);
        for (int times = 0; times < 5; ++times) {
            const auto result = vm->run(0, {});
            CHECK(result.state == VcpuState::VmmioWrite);
            CHECK(result.data[1] == 1u + static_cast<unsigned>(n) % 2);
        }
        vm->unmap({Gpa{kData}, kPage});
        (void)vm->run(0, {});  // the fetch that misses it
    }
}

namespace {

/// hvc 0x6069 with x0..x3; stores what it returned to the VMMIO window.
Code modify_pages()
{
    return {0xd40c'0d22,   // hvc #0x6069
            0xf900'00c0,   // str x0, [x6 = 0]
            0xf900'00c1};  // str x1, [x6]
}

struct ModifyGuest : PagedGuest {
    /// The error of the call, and in `left` the size that it returns.
    std::uint64_t call(std::uint64_t cap, std::uint64_t at, std::uint64_t size, std::uint64_t flags)
    {
        x[0] = cap;
        x[1] = at;
        x[2] = size;
        x[3] = flags;
        start(modify_pages() + kOff);
        std::memset(data.data(), 7, kPage);
        give(kAlone);
        const auto error = vm->run(0, {});
        const auto output = vm->run(0, {});
        CHECK(error.state == VcpuState::VmmioWrite);
        left = output.data[2];
        return error.data[2];
    }
    std::uint64_t left = 0;
};

}  // namespace

TEST_CASE_FIXTURE(ModifyGuest,
                  "4 addrspace_modify_pages: a guest that unlocks a page has it no more")
{
    CHECK(call(0, kAlone, kPage, 1) == 0);
    CHECK(left == 0);
    CHECK_FALSE(vm->has_any({Gpa{kAlone}, kPage}));
    CHECK(data.data()[0] == std::byte{7});
    CHECK(call(0, 0, 1ull << 36, 3) == 0);  // as the Resource Manager does it, over everything
    CHECK_FALSE(vm->has_any({Gpa{kAlone}, kPage}));
    CHECK(vm->has_any({Gpa{kCode}, kPage}));
    CHECK(data.data()[0] == std::byte{0});
}

TEST_CASE_FIXTURE(ModifyGuest, "4 addrspace_modify_pages: sanitising alone zeroes and keeps")
{
    CHECK(call(0, kAlone, kPage, 2) == 0);
    CHECK(vm->has_any({Gpa{kAlone}, kPage}));
    CHECK(data.data()[0] == std::byte{0});
}

TEST_CASE_FIXTURE(ModifyGuest, "4 addrspace_modify_pages: bad arguments change nothing")
{
    const auto refused = [&](std::uint64_t error, std::uint64_t cap, std::uint64_t at,
                             std::uint64_t size, std::uint64_t flags) {
        CHECK(call(cap, at, size, flags) == error);
        CHECK(left == size);
        CHECK(vm->has_any({Gpa{kAlone}, kPage}));
        CHECK(data.data()[0] == std::byte{7});
    };
    refused(1, 0, kAlone, kPage, 8);         // unknown flag
    refused(1, 0x1'0000, kAlone, kPage, 1);  // no capability at all
    refused(50, 5, kAlone, kPage, 1);        // none that it has
    refused(3, 0, kAlone + 1, kPage, 1);     // [I]
    refused(3, 0, kAlone, kPage - 1, 1);     // [I]
    refused(20, 0, kAlone, ~0ull & ~0xfffull, 1);
    CHECK(call(0, kAlone, 0, 1) == 0);
    CHECK(vm->has_any({Gpa{kAlone}, kPage}));
}

TEST_CASE("memory is taken from two vCPUs that store to it, and nobody writes there afterwards")
{
    constexpr int kTimes = 300;
    for (const std::uint64_t at : {kData, kAlone}) {
        PagedGuest guest;
        guest.x[1] = at;
        guest.x[2] = 1;
        Vm& vm = guest.start(enable_mmu() + Code{kStore, kStorePair, kAtomicAdd, 0x17ff'fffd}, 2);
        std::mutex mutex;
        bool given = false;
        std::atomic<int> taken{0};
        std::vector<std::thread> threads;
        for (unsigned n = 0; n < 2; ++n)
            threads.emplace_back([&, n] {
                for (Resume resume;;) {
                    const auto result = vm.run(n, resume);
                    resume.action = Resume::Action::Retry;
                    if (result.state == VcpuState::PoweredOff)
                        return;
                    const std::scoped_lock lock(mutex);
                    if (!given)
                        guest.give(at);
                    given = true;
                }
            });
        while (taken < kTimes) {
            const std::scoped_lock lock(mutex);
            if (!given)
                continue;
            vm.unmap({Gpa{at}, kPage});
            // Whoever is late dies of it.
            REQUIRE(::mprotect(guest.data.data(), kPage, PROT_NONE) == 0);
            std::this_thread::yield();
            REQUIRE(::mprotect(guest.data.data(), kPage, PROT_READ | PROT_WRITE) == 0);
            given = false;
            ++taken;
        }
        vm.stop();
        for (auto& thread : threads)
            thread.join();
        CHECK(taken == kTimes);
    }
}

TEST_CASE("a guest that gives its own pages back while the other vCPU stores to them survives")
{
    PagedGuest guest;
    // vCPU 0 unlocks and sanitises for ever, vCPU 1 stores; MPIDR_EL1 tells who is who.
    guest.x[19] = kAlone;
    Vm& vm = guest.start(enable_mmu() +
                             Code{
                                 0xd538'00a5,  // mrs x5, mpidr_el1
                                 0x3600'00e5,  // tbz w5, #0, +28 (to the mover)
                                 0xf900'0273,  // str x19, [x19]
                                 0xa900'4e73,  // stp x19, x19, [x19]
                                 0x17ff'fffe,  // b -2
                                 0xd503'201f, 0xd503'201f, 0xd503'201f,
                                 0xd280'0000,  // mov x0, #0
                                 0xaa13'03e1,  // mov x1, x19
                                 0xd282'0002,  // mov x2, #0x1000
                                 0xd280'0063,  // mov x3, #3
                                 0xd40c'0d22,  // hvc #0x6069
                                 0x17ff'fffb,  // b -5
                             },
                         2);
    std::atomic<int> faults{0};
    std::thread mover([&] {
        while (vm.run(0, {}).state != VcpuState::PoweredOff)
            ;
    });
    std::thread storer([&] {
        for (;;) {
            const auto result = vm.run(1, {});
            if (result.state == VcpuState::PoweredOff)
                return;
            CHECK(result.state == VcpuState::PageFault);
            if (!vm.has_any({Gpa{kAlone}, kPage}))
                guest.give(kAlone);
            ++faults;
        }
    });
    while (faults < 300)
        std::this_thread::yield();
    vm.stop();
    mover.join();
    storer.join();
    CHECK(faults >= 300);
}

}  // namespace gh::hyp
