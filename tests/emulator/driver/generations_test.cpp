// SPDX-License-Identifier: BSD-3-Clause
// gunyah-uapi.md 1.1, 1.5 and 2.1: which requests a generation has and how a client tells them
// apart.
#include "client_fixture.h"
#include "gunyah/abi.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace gh::test;

namespace {

/// A row of table 1.1: which generations know a request, which then says EFAULT to a null pointer.
struct Row {
    std::uint32_t request;
    std::vector<std::string> known_to;
};

bool holds(const std::vector<std::string>& names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

const std::vector<std::string> kUserMemory{"v10", "v11",       "android14-early", "v12",      "v13",
                                           "v14", "android14", "android15",       "android16"};
const std::vector<std::string> kAndroid{"android14-early", "android14", "android15", "android16"};
const std::vector<std::string> kV15On{"v15", "v16", "v17", "android15", "android16"};

}  // namespace

TEST_CASE("1.1: every generation has the VM requests of its column and says ENOTTY to the others")
{
    const std::vector<Row> rows{
        {GH_VM_SET_USER_MEM_REGION, kUserMemory}, {GUNYAH_VM_MAP_MEM, {"v15", "v16", "v17"}},
        {GUNYAH_VM_SET_BOOT_CONTEXT, kV15On},     {GH_VM_ANDROID_LEND_USER_MEM, kAndroid},
        {GH_VM_ANDROID_SET_FW_CONFIG, kAndroid},  {GUNYAH_VM_RECLAIM_REGION, {"android16"}},
        {GUNYAH_VM_MAP_CMA_MEM, {"android16"}},   {GUNYAH_VM_SET_AUTH_TYPE, {"android16"}},
    };
    for (const auto& personality : gh::driver::all_personalities()) {
        ClientFixture client{{.personality = std::string(personality.name)}};
        CAPTURE(personality.name);
        for (const Row& row : rows) {
            CAPTURE(row.request);
            CHECK(client.vm->ioctl(row.request, 0).error ==
                  (holds(row.known_to, personality.name) ? EFAULT : ENOTTY));
        }
        for (const std::uint32_t request :
             {GH_VM_SET_DTB_CONFIG, GH_VM_ADD_FUNCTION, GH_VM_REMOVE_FUNCTION})
            CHECK(client.vm->ioctl(request, 0).error == EFAULT);
    }
}

TEST_CASE("1.1: CREATE_GUEST_MEM is v15 to v17's, TENTATIVE_UAPI early android14's")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        ClientFixture client{{.personality = std::string(personality.name)}};
        CAPTURE(personality.name);
        CHECK(client.device->ioctl(GUNYAH_CREATE_GUEST_MEM, 0).error ==
              (holds({"v15", "v16", "v17"}, personality.name) ? EFAULT : ENOTTY));
        CHECK(client.device->ioctl(GH_ANDROID_TENTATIVE_UAPI, 0).error ==
              (personality.name == "android14-early" ? 0 : ENOTTY));
    }
}

TEST_CASE("1.5: our own probe takes every generation for what it is")
{
    const std::vector<std::pair<std::string, std::string>> expected{
        {"v10", "v10"},
        {"v11", "v11"},
        {"android14-early", "android14-early"},
        {"v12", "v12-v14"},
        {"v13", "v12-v14"},
        {"v14", "v12-v14"},
        {"v15", "v15-v17"},
        {"v16", "v15-v17"},
        {"v17", "v15-v17"},
        {"android14", "android14"},
        {"android15", "android15"},
        {"android16", "android16"}};
    CHECK(expected.size() == gh::driver::all_personalities().size());
    for (const auto& [personality, abi] : expected) {
        ClientFixture client{{.personality = personality}};
        CHECK(probe_abi(*client.device, *client.vm).name == abi);
    }
}

TEST_CASE("1.5 step 9: an unknown vCPU request is EINVAL until android14, ENOTTY from v15 on")
{
    const auto unknown = [](const char* name) {
        ClientFixture client{{.personality = name}};
        return client.add_vcpu(0).file->ioctl(0x0000'477f, 0).error;
    };
    for (const char* name : kPinning)
        CHECK(unknown(name) == EINVAL);
    for (const char* name : kFifteenOn)
        CHECK(unknown(name) == ENOTTY);
}

TEST_CASE("2.1: CREATE_VM's argument must be 0 on every generation")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        ClientFixture client{{.personality = std::string(personality.name)}};
        CHECK(client.device->ioctl(GH_CREATE_VM, 1).error == EINVAL);
    }
}

TEST_CASE("2.1: v10, v11 and early android14 take the vmid at CREATE_VM, so the 64th VM is ENODEV")
{
    for (const char* name : {"v10", "v11", "android14-early"}) {
        ClientFixture client{{.personality = name}};
        std::vector<std::unique_ptr<File>> vms;
        for (int i = 0; i < 62; ++i)  // the fixture has one
            vms.push_back(client.create_vm());
        CHECK(vms.back() != nullptr);
        CHECK(client.device->ioctl(GH_CREATE_VM, 0).error == ENODEV);
    }
}

TEST_CASE("2.1: the others take it at START, so that any number of VMs can be made")
{
    for (const char* name : {"v12", "android14", "v17", "android16"}) {
        ClientFixture client{{.personality = name}};
        std::vector<std::unique_ptr<File>> vms;
        for (int i = 0; i < 100; ++i)
            vms.push_back(client.create_vm());
        CHECK(vms.back() != nullptr);
    }
}

TEST_CASE("2.10: a VM closed without START gives its vmid back, except on early android14")
{
    const auto last = [](const char* name) {
        ClientFixture client{{.personality = name}};
        for (int i = 0; i < 62; ++i)
            (void)client.create_vm();
        return client.device->ioctl(GH_CREATE_VM, 0).error;
    };
    CHECK(last("v10") == 0);
    CHECK(last("v11") == 0);
    CHECK(last("android14-early") == ENODEV);
}
