// SPDX-License-Identifier: BSD-3-Clause
#include "machine/profile.h"

#include "machine/profile_report.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include <unistd.h>

namespace gh::machine {
namespace {

std::string content(const std::string& path)
{
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string map_path()
{
    return "/tmp/perf-" + std::to_string(::getpid()) + ".map";
}

/// A folder that goes with the test.
struct Folder {
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("gh-profile-" + std::to_string(::getpid()));
};

constexpr std::uint64_t kLinked = 0xffff'8000'0801'0000;
constexpr std::uint64_t kMoved = 0x12'0000;

std::vector<std::unique_ptr<hyp::VcpuProfile>> two_vcpus()
{
    std::vector<std::unique_ptr<hyp::VcpuProfile>> vcpus;
    for (int n = 0; n < 2; ++n) {
        auto vcpu = std::make_unique<hyp::VcpuProfile>(nullptr);
        auto& hot = vcpu->code.spot(kLinked + kMoved + 0x24, 1, cpu::Spot::Tier::Translated);
        hot.entries = 100;
        hot.instructions = 900;
        vcpu->code.spot(0x40'0000, 0, cpu::Spot::Tier::Interpreter).instructions = 100;
        vcpu->code.calls(0xd538'0000).always = 7;  // mrs
        vcpu->counters.interrupts = 3;
        vcpu->devices[0x9000].writes = 11;
        vcpu->calls[hyp::VcpuProfile::call_key(0, 0x8400'0008)] = 1;
        vcpus.push_back(std::move(vcpu));
    }
    return vcpus;
}

/// Whether a line of `text` has these words one after the other, somewhere.
bool has_row(const std::string& text, const std::string& words)
{
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        std::istringstream parts(line);
        std::string squeezed;
        for (std::string part; parts >> part;)
            squeezed += part + " ";
        if (squeezed.find(words) != std::string::npos)
            return true;
    }
    return false;
}

}  // namespace

TEST_CASE("the report sums up what the vCPUs did")
{
    const Symbols symbols("ffff800008010000 T do_this\n", "map");
    const std::string report = profile_report(two_vcpus(), GuestNames{symbols, kMoved});
    CHECK(has_row(report, "interrupts taken 3 3 6 "));
    CHECK(has_row(report, "instructions, translated 900 900 1800 "));
    CHECK(has_row(report, "90.0% 1800 200 T1 EL1 0xffff800008130024 do_this+0x24 "));
    CHECK(has_row(report, "10.0% 200 0 T0 EL0 0x400000 "));
    CHECK(has_row(report, "90.0% 1800 do_this "));
    CHECK(has_row(report, "14 0 MRS "));
    CHECK(has_row(report, "0 22 0x9000 "));
    CHECK(has_row(report, "2 0x84000008 PSCI SYSTEM_OFF "));
}

TEST_CASE("a guest that chooses addresses at will gets a bounded table of them")
{
    hyp::Tally<std::uint64_t> tally;
    for (std::uint64_t n = 0; n < 5000; ++n)
        ++tally[n];
    CHECK(std::distance(tally.begin(), tally.end()) <= 1025);
    CHECK(tally[hyp::Tally<std::uint64_t>::kOthers] == 5000 - 1024);
}

TEST_CASE("host code is listed for perf by what it does, and the report goes into its file")
{
    const Folder folder;
    const std::string symbols = folder.path / "System.map";
    std::ofstream(symbols) << "ffff800008000800 T vectors\nffff800008010000 T do_this\n";
    Profile profile({.file = folder.path / "report", .symbols = symbols});
    profile.made({.at = 0x1000, .size = 0x20, .name = "gh-vmm:stubs"});
    profile.made({.at = 0x2000, .size = 0x30, .va = 0x40'0000, .el = 0});
    profile.made({.at = 0x3000,
                  .size = 0x40,
                  .va = kLinked + kMoved + 4,
                  .el = 1,
                  .vbar = 0xffff'8000'0800'0800 + kMoved});
    CHECK(content(map_path()) ==
          "1000 20 gh-vmm:stubs\n"
          "2000 30 guest:el0:0x400000\n"
          "3000 40 guest:el1:do_this+0x4\n");
    profile.ended(two_vcpus());
    profile.write();
    CHECK(has_row(content(folder.path / "report"), "interrupts taken 3 3 6 "));
    std::filesystem::remove(map_path());
}

TEST_CASE("the map for perf replaces what lies there without following it")
{
    const Folder folder;
    const std::string victim = folder.path / "victim";
    std::ofstream(victim) << "mine";
    std::filesystem::remove(map_path());
    std::filesystem::create_symlink(victim, map_path());
    PerfMap().add(0x10, 0x20, "x");
    CHECK(content(victim) == "mine");
    CHECK(content(map_path()) == "10 20 x\n");
    std::filesystem::remove(map_path());
}

}  // namespace gh::machine
