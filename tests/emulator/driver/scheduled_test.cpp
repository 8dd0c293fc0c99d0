// SPDX-License-Identifier: BSD-3-Clause
// VMs whose vCPUs nobody runs but the hypervisor (guest ABI 1.4, 3.9; gunyah-uapi.md 2.6, 2.7).
#include "client_fixture.h"

#include <doctest/doctest.h>

using namespace gh::test;

namespace {

gh::fdt::Node scheduled_tree(const char* affinity = "static")
{
    auto tree = gh::fdt::probe_tree();
    config_node(tree, "vcpus")
        .set_text("affinity", affinity)
        .set_cells("affinity-map", {0})
        .set_cells("sched-priority", {~0u})
        .set_cells("sched-timeslice", {2000});
    return tree;
}

struct ScheduledFixture : ClientFixture {
    explicit ScheduledFixture(std::string_view name = "android15")
        : ClientFixture({.personality = std::string(name)})
    {
        prepare(false, scheduled_tree());
    }

    static int run(File& vcpu) { return vcpu.ioctl(GH_VCPU_RUN, 0).error; }
    static gh_vcpu_run& page(File& vcpu)
    {
        return *reinterpret_cast<gh_vcpu_run*>(vcpu.map_run_page(kPage));
    }
};

}  // namespace

TEST_CASE("aff-static-ok: START lets the vCPUs run by themselves, on every generation")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        CAPTURE(personality.name);
        ScheduledFixture client{personality.name};
        CHECK(client.start() == 0);
        CHECK(hypervisor().begun);
        CHECK_FALSE(hypervisor().config.proxy);
        CHECK(client.start() == 0);
        client.vm.reset();
        CHECK(hypervisor().stopped);
        CHECK(hypervisor().vms == 0);
    }
}

TEST_CASE("1.4: so do sticky and pinned, and what a tree of the first sample leaves out is static")
{
    for (const char* affinity : {"sticky", "pinned", "static"}) {
        ClientFixture client;
        client.prepare(false, scheduled_tree(affinity));
        CHECK(client.start() == 0);
        CHECK_FALSE(hypervisor().config.proxy);
    }
    auto tree = scheduled_tree();
    config_node(tree, "vcpus").remove("affinity");
    ClientFixture client;
    client.prepare(false, tree);
    CHECK(client.start() == 0);
    CHECK_FALSE(hypervisor().config.proxy);
}

TEST_CASE_FIXTURE(ScheduledFixture, "3.9: RUN is EBUSY, whenever its vCPU was added (inferred)")
{
    const auto before = add_vcpu(0).file;
    CHECK(run(*before) == ENODEV);
    CHECK(start() == 0);
    CHECK(run(*before) == EBUSY);
    CHECK(page(*before).exit_reason == 0);
    page(*before).immediate_exit = 1;
    CHECK(run(*before) == EINTR);
    CHECK(remove_vcpu(0) == 0);
    const auto after = add_vcpu(0).file;
    CHECK(run(*after) == EBUSY);
    after->interrupt();
    CHECK(run(*after) == EINTR);
    CHECK(run(*after) == EBUSY);
    CHECK(run(*add_vcpu(1).file) == ENODEV);
}

TEST_CASE_FIXTURE(ScheduledFixture,
                  "2.7: a RUN that comes after the guest's end says how it ended (inferred)")
{
    const auto tried = add_vcpu(0).file;
    CHECK(start() == 0);
    CHECK(run(*tried) == EBUSY);
    hypervisor().end(1);
    CHECK(run(*tried) == EBUSY);  // the hypervisor still refuses; nothing told this vCPU of the end
    CHECK(remove_vcpu(0) == 0);
    const auto fresh = add_vcpu(0).file;
    CHECK(run(*fresh) == 0);
    CHECK(page(*fresh).exit_reason == GH_VCPU_EXIT_STATUS);
    CHECK(page(*fresh).status.status == GH_VM_STATUS_EXITED);
    CHECK(page(*fresh).status.exit_info.type == 1);
    CHECK(start() == ENODEV);
    const gh::EventFd line;
    CHECK(add_irqfd(line.get(), 0) == 0);
}

TEST_CASE_FIXTURE(ScheduledFixture, "a guest that ends within START has ended afterwards")
{
    hypervisor().at_begin = [] { hypervisor().end(2); };
    CHECK(start() == 0);
    CHECK(start() == ENODEV);
    auto vcpu = add_vcpu(0).file;
    CHECK(run(*vcpu) == 0);
    CHECK(page(*vcpu).status.exit_info.type == 2);
    vcpu.reset();
    vm.reset();
    CHECK_FALSE(hypervisor().stopped);
    CHECK(hypervisor().vms == 0);
}

TEST_CASE_FIXTURE(ScheduledFixture, "doorbells ring before the guest begins to run")
{
    const gh::EventFd line;
    CHECK(add_irqfd(line.get(), 0, GH_IRQFD_FLAGS_LEVEL) == 0);
    std::size_t masked = 0;
    hypervisor().at_begin = [&] { masked = hypervisor().masks.size(); };
    CHECK(start() == 0);
    CHECK(masked == 1);
    line.signal();
    CHECK(hypervisor().wait_for_sends(1));
}

TEST_CASE_FIXTURE(
    ClientFixture,
    "golden 01.16: a proxy VM without vCPU functions starts and nobody runs it, until "
    "one is added")
{
    prepare();
    CHECK(start() == 0);
    CHECK(hypervisor().config.proxy);
    hypervisor().steps[0].push_back(returns(gh::hyp::VcpuState::VmmioWrite, 0x1000, 4, 7));
    const auto vcpu = add_vcpu(0).file;
    CHECK(vcpu->ioctl(GH_VCPU_RUN, 0).error == 0);
    CHECK(reinterpret_cast<gh_vcpu_run*>(vcpu->map_run_page(kPage))->exit_reason ==
          GH_VCPU_EXIT_MMIO);
}
