// SPDX-License-Identifier: BSD-3-Clause
#include "cli/cli.h"

#include "base/error.h"
#include "base/fd.h"
#include "cli/usage_error.h"
#include "config/config_error.h"

#include <initializer_list>
#include <new>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

namespace {

using Words = std::initializer_list<const char*>;

int run(Words words)
{
    std::vector<const char*> argv{"gh-vmm"};
    for (const char* const word : words)
        argv.push_back(word);
    return gh::cli::run(static_cast<int>(argv.size()), argv.data());
}

std::string usage_error(Words words)
{
    try {
        (void)run(words);
        return "none";
    } catch (const gh::cli::UsageError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("a command that does not exist is refused with the one that was meant")
{
    CHECK(usage_error({"chekc", "x.json"}) ==
          "there is no command \"chekc\"; did you mean \"check\"?\nSee gh-vmm --help.");
    CHECK(usage_error({"frobnicate"}) == "there is no command \"frobnicate\"\nSee gh-vmm --help.");
}

TEST_CASE("bad options name the command whose help explains them")
{
    CHECK(usage_error({"check"}).find("See gh-vmm check --help.") != std::string::npos);
    CHECK(usage_error({"check", "a", "b"}).find('b') != std::string::npos);
    CHECK(usage_error({"check", "--frob", "a"}).find("--frob") != std::string::npos);
    CHECK(usage_error({"check", "a", "--set"}).find("--set") != std::string::npos);
    CHECK(usage_error({}).find("See gh-vmm --help.") != std::string::npos);
}

TEST_CASE("help and version are no errors")
{
    CHECK(run({"--help"}) == 0);
    CHECK(run({"check", "--help"}) == 0);
    CHECK(run({"--version"}) == 0);
}

TEST_CASE("help that could not be written is an error")
{
    const gh::Fd before{::dup(STDOUT_FILENO)};
    (void)::dup2(gh::open_file("/dev/full", O_WRONLY).get(), STDOUT_FILENO);
    std::string said = "none";
    try {
        (void)run({"--version"});
    } catch (const gh::Error& error) {
        said = error.what();
    }
    (void)::dup2(before.get(), STDOUT_FILENO);
    CHECK(said.find("write to stdout") != std::string::npos);
}

TEST_CASE("a level of the log that does not exist is refused with those that do")
{
    CHECK(usage_error({"--log-level", "loud", "list"})
              .find("got \"loud\"; expected one of error, notice, warn, info, debug") !=
          std::string::npos);
}

TEST_CASE("bad arguments and configurations end with 35, all else with 1")
{
    CHECK(gh::cli::report(gh::cli::UsageError("u")) == 35);
    CHECK(gh::cli::report(gh::config::ConfigError("f", {"f:1:1: x"})) == 35);
    CHECK(gh::cli::report(gh::Error("e")) == 1);
    CHECK(gh::cli::report(std::bad_alloc()) == 1);
}

TEST_CASE("a configuration that is missing is a bad configuration")
{
    CHECK_THROWS_AS((void)run({"check", "/nonexistent.json"}), gh::config::ConfigError);
}
