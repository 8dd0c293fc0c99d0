// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/vcpu.h"

#include "base/error.h"
#include "script_file.h"

#include <cstring>

#include <doctest/doctest.h>

namespace gh::gunyah {
namespace {

struct Fixture {
    Fixture() { script.say(GH_VCPU_MMAP_SIZE, {0}); }

    // The next run writes an MMIO exit into the page and answers `error`.
    void exits_with_mmio(bool write, std::uint32_t len, std::uint64_t data, int error = 0)
    {
        script.on(GH_VCPU_RUN, [=, this](std::uintptr_t) {
            script.page.exit_reason = GH_VCPU_EXIT_MMIO;
            script.page.mmio.phys_addr = 0x3f8;
            script.page.mmio.len = len;
            script.page.mmio.is_write = write ? 1 : 0;
            std::memcpy(script.page.mmio.data.data(), &data, 8);
            return error;
        });
    }

    Script script;
    Vcpu make() { return {std::make_unique<ScriptFile>(script, "vcpu"), 0}; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what lies beyond a write's length is not data")
{
    exits_with_mmio(true, 1, 0x1122'3341);
    Vcpu vcpu = make();
    const auto exit = std::get<MmioExit>(vcpu.run());
    CHECK(exit.address == Gpa{0x3f8});
    CHECK(exit.value == 0x41);
}

TEST_CASE_FIXTURE(Fixture, "EBUSY while the VM goes down is asked again until the status comes")
{
    script.say(GH_VCPU_RUN, {EBUSY, EBUSY});
    script.on(GH_VCPU_RUN, [this](std::uintptr_t) {
        script.page.exit_reason = GH_VCPU_EXIT_STATUS;
        script.page.status.status = GH_VM_STATUS_EXITED;
        script.page.status.exit_info = {.type = 1, .padding = 0, .reason_size = 16, .reason = {1}};
        return 0;
    });
    Vcpu vcpu = make();
    const auto exit = std::get<StatusExit>(vcpu.run());
    CHECK(exit.type == 1);
    CHECK(exit.reason_bytes().size() == 8);  // the kernel does not clamp reason_size
    CHECK(script.count(GH_VCPU_RUN) == 3);
}

TEST_CASE_FIXTURE(Fixture,
                  "a signal alone interrupts; the stale exit of the run before is not taken")
{
    script.page.exit_reason = GH_VCPU_EXIT_MMIO;
    script.say(GH_VCPU_RUN, {EINTR});
    Vcpu vcpu = make();
    CHECK(std::holds_alternative<Interrupted>(vcpu.run()));
}

TEST_CASE_FIXTURE(Fixture, "a kernel that is busy for ever can still be interrupted")
{
    script.say(GH_VCPU_RUN, {EBUSY});
    Vcpu vcpu = make();
    vcpu.interrupt();
    CHECK(std::holds_alternative<Interrupted>(vcpu.run()));
}

TEST_CASE_FIXTURE(Fixture, "an exit that came with a signal is not lost")
{
    exits_with_mmio(true, 4, 7, EINTR);
    Vcpu vcpu = make();
    CHECK(std::get<MmioExit>(vcpu.run()).value == 7);
}

TEST_CASE_FIXTURE(Fixture, "a read's answer stands in the page, and resume_action is left alone")
{
    exits_with_mmio(false, 4, 0);
    Vcpu vcpu = make();
    (void)vcpu.run();
    vcpu.answer(0x60);
    CHECK(script.page.mmio.data[0] == 0x60);
    CHECK(script.page.mmio.resume_action == 0);
}

TEST_CASE_FIXTURE(Fixture, "a page fault carries its errno")
{
    script.on(GH_VCPU_RUN, [this](std::uintptr_t) {
        script.page.exit_reason = GH_VCPU_EXIT_PAGE_FAULT;
        script.page.page_fault = {.phys_addr = 0x8000'1000, .attempt = -ENOMEM, .resume_action = 1};
        return 0;
    });
    Vcpu vcpu = make();
    CHECK(std::get<PageFaultExit>(vcpu.run()).error == ENOMEM);
}

TEST_CASE_FIXTURE(Fixture, "a refused run names the vCPU and the reason")
{
    script.say(GH_VCPU_RUN, {ENODEV});
    Vcpu vcpu = make();
    CHECK_THROWS_WITH_AS((void)vcpu.run(), doctest::Contains("GH_VCPU_RUN for vCPU 0: ENODEV"),
                         Error);
}

}  // namespace gh::gunyah
