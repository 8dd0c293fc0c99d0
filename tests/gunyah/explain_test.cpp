// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/explain.h"

#include "gunyah/uapi.h"

#include <doctest/doctest.h>

namespace gh::gunyah {

TEST_CASE("the five refusals that phone owners meet are explained with what to do")
{
    const auto says = [](std::uint32_t request, int error, const char* words) {
        return explain(request, error).find(words) != std::string_view::npos;
    };
    CHECK(says(GH_VM_ANDROID_LEND_USER_MEM, ENOMEM, "ulimit -l"));
    CHECK(says(GH_VM_START, ENODEV, "dmesg"));
    CHECK(says(GH_VM_START, ENODEV, "memory.sharing"));
    CHECK(says(GH_CREATE_VM, EINVAL, "0xB2"));
    CHECK(says(GH_VM_START, EPERM, "64 regions"));
}

TEST_CASE("every request and every errno has words, each its own sentence")
{
    for (const std::uint32_t request : {GH_CREATE_VM, GH_VM_START, GH_VCPU_RUN, 0xdead'beefu})
        for (int error = 1; error < 134; ++error) {
            CAPTURE(error);
            CHECK(explain(request, error).ends_with("."));
        }
}

TEST_CASE("every way to end has words, and one that nobody knows")
{
    CHECK(explain_end(1) == std::string_view("the guest powered off"));
    CHECK(explain_end(7) == std::string_view("the VM was stopped by force"));
    CHECK(explain_end(99) ==
          std::string_view("the guest ended in a way that gh-vmm does not know"));
}

TEST_CASE("a refusal names the request, its object and the errno")
{
    CHECK_THROWS_WITH_AS(throw_refused(GH_VM_ADD_FUNCTION, "vCPU 1", EEXIST),
                         doctest::Contains("GH_VM_ADD_FUNCTION for vCPU 1: EEXIST (File exists): "
                                           "the VM has that vCPU"),
                         Error);
}

}  // namespace gh::gunyah
