// SPDX-License-Identifier: BSD-3-Clause
#include "config/complaints.h"

#include "temporary_folder.h"
#include "text.h"

#include <doctest/doctest.h>

namespace {

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("all mistakes of a file are told at once, from top to bottom")
{
    const auto lines = complaints_of("{\n  \"nmae\": 1,\n  \"cpus\": 9,\n  \"memory\": \"1GB\"\n}");
    REQUIRE(lines.size() == 4);
    CHECK(lines[0] ==
          "vm.json:1:1: kernel: got nothing; expected the path of a file, or an object");
    CHECK(lines[1] ==
          "vm.json:2:3: nmae: got the unknown key \"nmae\"; expected one of name, kernel, initrd, "
          "params, cpus, memory, serial, console, disks, net, folders, rtc, power_button, pvpanic, "
          "watchdog, vsock, balloon, rng, dtb, hypervisor, on_poweroff, on_reboot, on_crash, "
          "on_watchdog, "
          "stop, boot, control, sandbox; did you mean \"name\"?");
    CHECK(lines[2] == "vm.json:3:11: cpus: got 9; expected an integer from 1 to 8");
    CHECK(contains(lines[3], "vm.json:4:13: memory: got \"1GB\"; expected a size from 2MiB to "));
    CHECK(contains(lines[3], "such as \"512MiB\"; did you mean \"1GiB\"?"));
}

TEST_CASE("what other programs call a key leads to ours")
{
    CHECK(contains(complaint_of(R"("cmdline": "x")"), "did you mean \"params\"?"));
    CHECK(contains(complaint_of(R"("vcpus": 1)"), "did you mean \"cpus\"?"));
    CHECK(contains(complaint_of(R"("swiotlb": 1)"), "did you mean \"memory.swiotlb\"?"));
}

TEST_CASE("a doubled key is told where it stands the second time")
{
    CHECK(complaint_of("\"cpus\": 1,\n \"cpus\": 1") ==
          "vm.json:2:2: cpus: got the key a second time; expected it once (first on line 1)");
}

TEST_CASE("a value of another type is refused with what was meant")
{
    CHECK(contains(complaint_of(R"("cpus": "2")"), "did you mean 2?"));
    CHECK(contains(complaint_of(R"("cpus": 2.0)"), "got 2.0; expected an integer from 1 to 8"));
    CHECK(contains(complaint_of(R"("cpus": -1)"), "got -1; expected"));
    CHECK(contains(complaint_of(R"("cpus": null)"), "got null; expected"));
    CHECK(contains(complaint_of(R"("name": 7)"), "did you mean \"7\"?"));
    CHECK(contains(complaint_of(R"("name": {})"), "got an object; expected a text"));
    CHECK(contains(complaint_of(R"("memory": [])"), "got a list of 0 values; expected"));
    CHECK(contains(complaint_of(R"("memory": {"hugepages": "yes"})"), "did you mean true?"));
    CHECK(contains(complaint_of(R"("memory": {"sharing": "lent"})"), "did you mean \"lend\"?"));
    CHECK(contains(complaint_of(R"("hypervisor": {"personality": "andriod14"})"),
                   "did you mean \"android14\"?"));
}

TEST_CASE("a size or address that is off is put right in the suggestion")
{
    CHECK(contains(complaint_of(R"("memory": 512)"), "did you mean \"512MiB\"?"));
    CHECK(contains(complaint_of(R"("memory": "1.5GB")"), "did you mean \"1536MiB\"?"));
    CHECK(contains(complaint_of(R"("memory": 536870913)"), "did you mean \"524292KiB\"?"));
    CHECK(contains(complaint_of(R"("memory": {"base": "0x80001000"})"), "mean \"0x80000000\"?"));
    CHECK(contains(complaint_of(R"("memory": {"base": "80000000"})"), "mean \"0x80000000\"?"));
    CHECK(contains(complaint_of(R"("memory": {"base": 0})"), "(below lie the devices"));
}

TEST_CASE("control characters stay out of names and command lines")
{
    CHECK(contains(complaint_of(R"("params": ["a\nb"])"), R"(params.0: got "a\nb"; expected)"));
    CHECK(contains(complaint_of(R"("initrd": "a\u0000b")"), "initrd: got"));
    CHECK(contains(complaint_of(R"("name": "")"), "name: got \"\"; expected a text of 1 to 79"));
}

TEST_CASE("a mistake in a setting names the setting")
{
    CHECK(complaint_of(R"("cpus": 1)", {"memory.size=12X"})
              .starts_with("--set memory.size=12X: memory.size: got \"12X\"; expected a size"));
}

TEST_CASE("a missing file is told with the name that is nearly its own")
{
    const TemporaryFolder folder;
    folder.write("vmlinuz", "x");
    const auto file = folder.write("a.json", R"({"kernel": "vmlinux", "initrd": "no/rd"})");
    try {
        (void)gh::config::load(file);
        FAIL("loaded");
    } catch (const gh::config::ConfigError& error) {
        REQUIRE(error.lines().size() == 2);
        CHECK(error.lines()[0] == file + ":1:12: kernel: got \"vmlinux\"; expected a file that " +
                                      "exists (" + folder.path() +
                                      "/vmlinux: No such file or directory); did you mean " +
                                      "\"vmlinuz\"?");
        CHECK(contains(error.lines()[1], "(there is no folder " + folder.path() + "/no)"));
    }
}

TEST_CASE("a folder is no file")
{
    const TemporaryFolder folder;
    const auto file = folder.write("a.json", R"({"kernel": "."})");
    CHECK_THROWS_WITH_AS(
        (void)gh::config::load(file),
        (file + ":1:12: kernel: got \".\"; expected a file (" + folder.path() + "/. is a folder)")
            .c_str(),
        gh::config::ConfigError);
}

TEST_CASE("a file of another kind is not scrolled by mistake by mistake")
{
    const TemporaryFolder folder;
    std::string text = "{\"" + std::string(10'000, 'k') + "\": 1";
    for (int i = 0; i < 1000; ++i)
        text += ", \"k" + std::to_string(i) + "\": 1";
    const auto file = folder.write("a.json", text + "}");
    try {
        (void)gh::config::load(file);
        FAIL("loaded");
    } catch (const gh::config::ConfigError& error) {
        CHECK(error.lines().size() == 50);
        CHECK(error.count() == 1002);  // there is no kernel, either
        for (const auto& line : error.lines())
            CHECK(line.size() < 1000);
    }
}
