// SPDX-License-Identifier: BSD-3-Clause
#include "../config/temporary_folder.h"
#include "cli/cli.h"
#include "cli/kernel_config.h"
#include "cli/probe_report.h"
#include "cli/usage_error.h"

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace {

int run(std::initializer_list<const char*> words)
{
    std::vector<const char*> argv{"gh-vmm"};
    argv.insert(argv.end(), words);
    return gh::cli::run(static_cast<int>(argv.size()), argv.data());
}

gh::cli::ProbeReport android14()
{
    gh::cli::ProbeReport report;
    report.device = "/dev/gunyah";
    report.inspection.abi = &gh::gunyah::abi_of(gh::gunyah::Generation::Android14);
    report.inspection.features = {{"lent memory", true}, {"boot registers", false}};
    report.host.kernel = "6.1.\"quoted\"";
    return report;
}

bool contains(const std::string& text, const std::string& part)
{
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a device that serves is shown with its generation, its requests and the host")
{
    const auto text = gh::cli::probe_text(android14());
    CHECK(contains(text, "generation    android14 (android14-6.1 kernels)\n"));
    CHECK(contains(text, "has           lent memory\n"));
    CHECK(contains(text, "has not       boot registers\n"));
    CHECK(contains(text, "give one region"));
    CHECK(contains(text, "VMs can be made.\n"));
}

TEST_CASE("what is fatal makes a device unusable, what limits it does not")
{
    auto report = android14();
    report.inspection.obstacles.push_back({false, "little memory", "buy some"});
    CHECK(report.usable());
    CHECK(contains(gh::cli::probe_text(report), "note: little memory\n  buy some\n"));
    report.inspection.obstacles.push_back({true, "no numbers left", ""});
    CHECK_FALSE(report.usable());
    CHECK(contains(gh::cli::probe_text(report), "problem: no numbers left\nNo VM can be made.\n"));
}

TEST_CASE("the report as JSON says the same to a program")
{
    auto report = android14();
    report.inspection.obstacles.push_back({false, "w", "r"});
    const auto json = nlohmann::json::parse(gh::cli::probe_json(report));
    CHECK(json["usable"] == true);
    CHECK(json["generation"]["name"] == "android14");
    CHECK(json["features"]["boot registers"] == false);
    CHECK(json["vcpus"].is_null());
    CHECK(json["host"]["kernel"] == "6.1.\"quoted\"");
    CHECK(json["obstacles"][0] == nlohmann::json{{"fatal", false}, {"what", "w"}, {"remedy", "r"}});
    report.inspection.abi = nullptr;
    CHECK(nlohmann::json::parse(gh::cli::probe_json(report))["generation"].is_null());
}

TEST_CASE("the emulated device serves; a missing device ends with 1")
{
    CHECK(run({"probe", "emulated"}) == 0);
    CHECK(run({"probe", "emulated", "--personality", "android16", "--json"}) == 0);
    CHECK(run({"probe", "/nonexistent/gunyah"}) == 1);
    CHECK(run({"probe", "/dev/null"}) == 1);
}

TEST_CASE("a personality is the emulated device's alone")
{
    CHECK_THROWS_AS((void)run({"probe", "/dev/null", "--personality", "android15"}),
                    gh::cli::UsageError);
    CHECK_THROWS_AS((void)run({"probe", "emulated", "--personality", "nonsense"}), gh::Error);
}

TEST_CASE("the kernel's configuration is read from /boot where there is no /proc/config.gz")
{
    const TemporaryFolder folder;
    CHECK(gh::cli::kernel_config("6.1", folder.path()).empty());
    std::filesystem::create_directories(folder.path() + "/boot");
    folder.write("boot/config-6.1", "CONFIG_GUNYAH=m\n");
    CHECK(gh::cli::kernel_config("6.1", folder.path()) == "CONFIG_GUNYAH=m\n");
    std::filesystem::create_directories(folder.path() + "/proc");
    folder.write("proc/config.gz", "not gzip");
    CHECK(gh::cli::kernel_config("6.1", folder.path()).empty());
    folder.write("proc/config.gz", std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x73\xb4"
                                               "\xad\xe4\x02\x00\x26\xbd\x77\x30\x04\x00\x00\x00",
                                               24));
    CHECK(gh::cli::kernel_config("6.1", folder.path()) == "A=y\n");
}
