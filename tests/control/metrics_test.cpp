// SPDX-License-Identifier: BSD-3-Clause
#include "control/status.h"

#include <set>
#include <sstream>

#include <doctest/doctest.h>

namespace gh::control {
namespace {

Status example()
{
    Status status;
    status.name = "a\"b";
    status.state = "paused";
    status.memory = 1 << 20;
    status.vcpus = {{.mmio_reads = 7, .cpu_seconds = 1.25}, {}};
    status.devices = {{.name = "serial0", .interrupts = 4, .sent = 8}};
    status.consoles = {{.name = "ttyS0", .type = "pty", .sent = 10, .received = 2}};
    return status;
}

}  // namespace

TEST_CASE("each sample bears the VM's name, escaped as Prometheus asks")
{
    const std::string text = metrics(example());
    CHECK(text.find("gh_vmm_memory_bytes{vm=\"a\\\"b\"} 1048576\n") != std::string::npos);
    CHECK(text.find("gh_vmm_vcpu_exits_total{vm=\"a\\\"b\",vcpu=\"0\",reason=\"mmio_read\"} 7\n") !=
          std::string::npos);
    CHECK(text.find("gh_vmm_vcpu_cpu_seconds_total{vm=\"a\\\"b\",vcpu=\"0\"} 1.250000\n") !=
          std::string::npos);
    CHECK(text.find("gh_vmm_state{vm=\"a\\\"b\",state=\"paused\"} 1\n") != std::string::npos);
    CHECK(text.find("gh_vmm_state{vm=\"a\\\"b\",state=\"running\"} 0\n") != std::string::npos);
    CHECK(text.find("device=\"serial0\"} 4\n") != std::string::npos);
    CHECK(text.find("device=\"serial0\",direction=\"from_guest\"} 8\n") != std::string::npos);
    CHECK(text.find("console=\"ttyS0\",direction=\"from_guest\"} 10\n") != std::string::npos);
}

TEST_CASE("each family is described once, before its samples, and its samples stand together")
{
    std::istringstream lines(metrics(example()));
    std::set<std::string> families;
    std::string current;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# HELP ")) {
            current = line.substr(7, line.find(' ', 7) - 7);
            CHECK(families.insert(current).second);
        } else if (!line.starts_with("#")) {
            CHECK(line.substr(0, line.find('{')) == current);
        }
    }
    CHECK(families.size() == 11);
}

TEST_CASE("no name makes a sample of its own")
{
    Status status = example();
    status.name = "a\"} 1\ngh_vmm_fake{vm=\"b";
    const std::string text = metrics(status);
    CHECK(text.find("\ngh_vmm_fake") == std::string::npos);
}

}  // namespace gh::control
