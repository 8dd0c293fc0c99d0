// SPDX-License-Identifier: BSD-3-Clause
#include "cli/vm_table.h"

#include <doctest/doctest.h>

namespace gh::cli {

TEST_CASE("columns are as wide as what stands in them")
{
    control::Status vm;
    vm.name = "a-long-name";
    vm.pid = 7;
    vm.state = "running";
    vm.memory = 512 << 20;
    vm.vcpus.resize(2);
    CHECK(list_text({vm}) ==
          "NAME         PID  STATE    UP        MEMORY  VCPUS\n"
          "a-long-name  7    running  00:00:00  512MiB  2\n");
    CHECK(list_text({}) == "NAME  PID  STATE  UP  MEMORY  VCPUS\n");
}

TEST_CASE("times are told in hours, and days where there are any")
{
    CHECK(uptime_text(65.9) == "00:01:05");
    CHECK(uptime_text(93784) == "1d 02:03:04");
}

TEST_CASE("a status says how a kept guest ended, and where its console is")
{
    control::Status vm;
    vm.state = "ended";
    vm.why = "the VM crashed";
    vm.consoles = {{.name = "ttyS0", .type = "pty", .path = "/dev/pts/3", .sent = 5}};
    const std::string text = status_text(vm);
    CHECK(text.find("state       ended: the VM crashed\n") != std::string::npos);
    CHECK(text.find("ttyS0       pty /dev/pts/3, 5 bytes out, 0 in\n") != std::string::npos);
}

TEST_CASE("what somebody who got into a VM says does not speak to the terminal")
{
    control::Status vm;
    vm.name = "\x1b[2Jname";
    vm.state = "up\nvm2";
    vm.devices = {{.name = "\x1b]0;title\x07"}};
    for (const std::string& text : {list_text({vm}), status_text(vm)}) {
        CHECK(text.find_first_of("\x1b\x07") == std::string::npos);
        CHECK(text.find("up?vm2") != std::string::npos);
    }
}

}  // namespace gh::cli
