// SPDX-License-Identifier: BSD-3-Clause
// gunyah-uapi.md 2.2 and 2.4, generation by generation. [I] marks what the reference infers.
#include "client_fixture.h"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace gh::test;

namespace {

constexpr std::uint64_t kTop = ~std::uint64_t{0xfff};  // the last page of the address space
const void* const kNowhere = reinterpret_cast<const void*>(kPage);

/// What a child of this process answers.
template <class F>
int in_child(F&& body)
{
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(body());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("2.2: bit 3 of the flags lends on v10 and is EINVAL on every other")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        if (!personality.user_memory)
            continue;
        CAPTURE(personality.name);
        ClientFixture client{{.personality = std::string(personality.name)}};
        CHECK(client.region(kBase, kPage, 15) == (personality.name == "v10" ? 0 : EINVAL));
        CHECK(client.region(kBase + kPage, kPage, 16, false, 1) == EINVAL);
        CHECK(client.region(kBase + kPage, kPage, 0, false, 1) == 0);
    }
}

TEST_CASE("2.2: size 0 removes on v10 and is EINVAL on every other")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        if (!personality.user_memory)
            continue;
        ClientFixture client{{.personality = std::string(personality.name)}};
        CHECK(client.region(kBase, 0) == (personality.name == "v10" ? 0 : EINVAL));
    }
}

TEST_CASE("2.2 v10: a region that was removed leaves its label and its addresses free")
{
    ClientFixture client{{.personality = "v10"}};
    CHECK(client.region(kBase, kPage, 7, false, 3) == 0);
    CHECK(client.region(kBase, kPage, 7, false, 3) == EEXIST);
    CHECK(client.region(1, 0, 7, false, 3) == 0);  // nothing but the label is looked at
    CHECK(client.region(kBase, kPage, 7, false, 3) == 0);
}

TEST_CASE("2.2 v10: removing what the guest has answers 0, and the guest keeps it")
{
    ClientFixture client{{.personality = "v10"}};
    client.prepare(true);
    REQUIRE(client.start() == 0);
    CHECK(client.region(0, 0, 0, false, 0) == 0);
    CHECK(hypervisor().vms == 1);
    hypervisor().config.ram[0].host[0] = std::byte{0x5a};
    client.vm.reset();
    CHECK(client.ram.data()[0] == std::byte{0x5a});
}

TEST_CASE("2.2: size, guest and host address must be whole pages on every generation")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        if (!personality.user_memory)
            continue;
        ClientFixture client{{.personality = std::string(personality.name)}};
        CHECK(client.region(kBase, kPage + 1) == EINVAL);
        CHECK(client.region(kBase + 1, kPage) == EINVAL);
        CHECK(client.region(kBase, kPage, 7, false, 0, client.ram.data() + 1) == EINVAL);
    }
}

TEST_CASE("2.2: a guest range that wraps is EOVERFLOW on v11 and early android14 alone")
{
    for (const char* name : {"v11", "android14-early"}) {
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kTop, 2 * kPage) == EOVERFLOW);
        CHECK(client.region(kTop, kPage) == EOVERFLOW);
        CHECK(client.region(kTop, 2 * kPage, 8) == EINVAL);  // flags are looked at first
    }
}

TEST_CASE("2.2: v10 does not look, the test of v12 to v14 has no effect [I], a15's is EINVAL [I]")
{
    for (const char* name : {"v10", "v12", "v13", "v14", "android14"}) {
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kTop, 2 * kPage) == 0);
    }
    for (const char* name : kAndroidPaged) {
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kTop, 2 * kPage) == EINVAL);
    }
}

TEST_CASE("2.2: labels are unique until android14 (golden mem.duplabel), and repeat from 15 on")
{
    for (const char* name : kPinning) {
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kBase, kPage, 7, false, 3) == 0);
        CHECK(client.region(kBase + kPage, kPage, 7, false, 3) == EEXIST);
        CHECK(client.region(kBase + kPage, kPage, 7, false, 4) == 0);
    }
    for (const char* name : kAndroidPaged) {
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kBase, kPage, 7, false, 3) == 0);
        CHECK(client.region(kBase + kPage, kPage, 7, false, 3) == 0);
    }
}

TEST_CASE("2.2: guest ranges that overlap are EEXIST everywhere (golden mem.overlap)")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        if (!personality.user_memory)
            continue;
        ClientFixture client{{.personality = std::string(personality.name)}};
        const std::uint64_t at = kBase + 0x10 * kPage;
        CHECK(client.region(at, 4 * kPage) == 0);
        for (const auto& [from, pages] : {std::pair{at, 4u},
                                          {at - kPage, 2u},
                                          {at + 3 * kPage, 2u},
                                          {at + kPage, 1u},
                                          {at - kPage, 8u}})
            CHECK(client.region(from, pages * kPage, 7, false, 1) == EEXIST);
        CHECK(client.region(at + 4 * kPage, kPage, 7, false, 1) == 0);
        CHECK(client.region(at - kPage, kPage, 7, false, 2) == 0);
    }
}

TEST_CASE("2.2: what is pinned must be there: EFAULT until android14 (golden mem.badhost)")
{
    const gh::Mapping hole("hole", 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
    for (const char* name : kPinning) {
        CAPTURE(name);
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kBase, kPage, 7, false, 0, kNowhere) == EFAULT);
        CHECK(client.region(kBase, kPage, 7, false, 0, hole.data()) == EFAULT);
        CHECK(client.region(kBase, kPage, 1, false, 0, hole.data()) == EFAULT);
        ::munmap(client.ram.data() + kPage, kPage);  // golden mem.parthole
        CHECK(client.region(kBase, 2 * kPage) == EFAULT);
        CHECK(client.region(kBase, kPage) == 0);
    }
    for (const char* name : kAndroidPaged) {
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kBase, kPage, 7, false, 0, kNowhere) == 0);
    }
}

TEST_CASE("2.2: v10 and v11 pin for writing whatever the flags, v12 on only if the guest may write")
{
    const gh::Mapping constant("constant", kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
    for (const char* name : {"v10", "v11", "android14-early"}) {
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kBase, kPage, 1, false, 0, constant.data()) == EFAULT);
    }
    for (const char* name : kTwelveOn) {
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kBase, kPage, 7, false, 0, constant.data()) == EFAULT);
        CHECK(client.region(kBase, kPage, 5, false, 0, constant.data()) == 0);
    }
}

TEST_CASE("2.2: a file shorter than its mapping cannot be pinned")
{
    const gh::Fd file = gh::make_memfd("short", kPage);
    const gh::Mapping mapping("short", 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file.get());
    for (const char* name : kPinning) {
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kBase, 2 * kPage, 7, false, 0, mapping.data()) == EFAULT);
        CHECK(client.region(kBase, kPage, 7, false, 0, mapping.data()) == 0);
    }
}

TEST_CASE("2.2: v12 to v14 and android14 count pinned memory against RLIMIT_MEMLOCK: ENOMEM")
{
    const auto with_little = [](const char* name) {
        return in_child([name] {
            ClientFixture client{{.personality = name}};
            const rlimit little{2 * kPage, 2 * kPage};
            if (::setrlimit(RLIMIT_MEMLOCK, &little) != 0)
                return 1;
            // An ordinary user has no CAP_IPC_LOCK; this child becomes one.
            if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0)
                return 2;
            const int fits = client.region(kBase, 2 * kPage);
            const int too_much = client.region(kBase + kRam / 2, kPage, 7, false, 1);
            client.vm = client.create_vm();  // what the first VM had is free again
            const int again = client.region(kBase, 2 * kPage);
            return fits == 0 && again == 0 ? too_much : 3;
        });
    };
    for (const char* name : kTwelveOn)
        CHECK(with_little(name) == ENOMEM);
    CHECK(with_little("v10") == 0);
    CHECK(with_little("android14-early") == 0);
    CHECK(with_little("android15") == 0);
}

TEST_CASE("2.2, 2.10: another process adds memory before v12; from then on it is EPERM")
{
    const auto by_child = [](const char* name) {
        ClientFixture client{{.personality = name}};
        return in_child([&] { return client.region(kBase, kPage); });
    };
    for (const char* name : {"v10", "v11", "android14-early"})
        CHECK(by_child(name) == 0);
    for (const char* name : kTwelveOn)
        CHECK(by_child(name) == EPERM);
    for (const char* name : kAndroidPaged)
        CHECK(by_child(name) == EPERM);
}

TEST_CASE("2.2: LEND_USER_MEM has the checks of SET_USER_MEM_REGION on early and final android14")
{
    for (const char* name : {"android14-early", "android14"}) {
        ClientFixture client{{.personality = name}};
        CHECK(client.region(kBase, kPage, 8, true) == EINVAL);
        CHECK(client.region(kBase, 0, 7, true) == EINVAL);
        CHECK(client.region(kBase, kPage, 7, true, 0, kNowhere) == EFAULT);
        CHECK(client.region(kBase, kPage, 7, true) == 0);
        CHECK(client.region(kBase, kPage, 7, true, 1) == EEXIST);
    }
}

TEST_CASE("2.2: memory may be added after START, where it is pinned but never given")
{
    for (const char* name : kPinning) {
        ClientFixture client{{.personality = name}};
        client.prepare();
        REQUIRE(client.start() == 0);
        CHECK(client.region(0x9000'0000, kPage, 7, false, 1) == 0);
        CHECK(hypervisor().config.ram.size() == 1);
    }
}

TEST_CASE("2.4 SET_DTB_CONFIG: v11 and early android14 refuse a range that wraps, others take any")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        const bool checks = personality.name == "v11" || personality.name == "android14-early";
        ClientFixture client{{.personality = std::string(personality.name)}};
        CHECK(client.set_dtb(kTop, 2 * kPage) == (checks ? EOVERFLOW : 0));
        CHECK(client.set_dtb(1, 3) == 0);
        CHECK(client.set_dtb(0, 0) == 0);
    }
}

TEST_CASE("2.4 SET_DTB_CONFIG: until early android14 the size is rounded up to whole pages")
{
    const auto start_with_size = [](const char* name, std::uint64_t size) {
        ClientFixture client{{.personality = name}};
        client.prepare();
        client.set_dtb(kDtb, size);
        return client.start();
    };
    for (const char* name : {"v10", "v11", "android14-early"})
        CHECK(start_with_size(name, 0x1801) == 0);
    for (const char* name : kTwelveOn)
        CHECK(start_with_size(name, 0x1801) == EINVAL);
}
