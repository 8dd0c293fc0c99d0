// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"
#include "gunyah/file.h"
#include "gunyah/requests.h"

#include <doctest/doctest.h>

namespace gh::gunyah {

TEST_CASE("a machine without the driver is told what to set")
{
    CHECK_THROWS_WITH_AS((void)open_kernel_device("/nonexistent/gunyah"),
                         doctest::Contains("Set hypervisor.device to \"emulated\""), Error);
}

TEST_CASE("a file that is no Gunyah device answers ENOTTY, not an exception")
{
    const auto file = open_kernel_device("/dev/null");
    CHECK(call(*file, kCreateVm).error == ENOTTY);
    file->interrupt();  // nobody runs: nothing happens
}

}  // namespace gh::gunyah
