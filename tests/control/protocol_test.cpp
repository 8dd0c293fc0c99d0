// SPDX-License-Identifier: BSD-3-Clause
#include "control/protocol.h"

#include "base/error.h"

#include <random>

#include <doctest/doctest.h>

namespace gh::control {
namespace {

Request request_of(const std::string& line)
{
    const auto parsed = parse_request(line);
    REQUIRE(std::holds_alternative<Request>(parsed));
    return std::get<Request>(parsed);
}

std::string why_not(const std::string& line)
{
    const auto parsed = parse_request(line);
    return std::holds_alternative<Nonsense>(parsed) ? std::get<Nonsense>(parsed).why : "";
}

}  // namespace

TEST_CASE("each command is read, and written as it is read")
{
    for (const auto command :
         {Command::Status, Command::Stop, Command::PowerButton, Command::SleepButton,
          Command::Suspend, Command::Resume, Command::Reset, Command::Balloon, Command::Events})
        CHECK(request_of(to_json(Request{.command = command})).command == command);
}

TEST_CASE("stop takes force and a period of grace, also on the way through the client")
{
    const Request stop = request_of(to_json(Request{
        .command = Command::Stop, .force = true, .grace = std::chrono::milliseconds(1500)}));
    CHECK(stop.force);
    CHECK(stop.grace == std::chrono::milliseconds(1500));
    CHECK_FALSE(request_of(R"({"command":"stop"})").force);
}

TEST_CASE("balloon takes a size in bytes")
{
    const Request balloon =
        request_of(to_json(Request{.command = Command::Balloon, .size = 1u << 30}));
    CHECK(balloon.size == 1u << 30);
}

TEST_CASE("what is no request is refused with what is wrong with it")
{
    CHECK(why_not("").find("not a request") != std::string::npos);
    CHECK(why_not("hello").find("not a request") != std::string::npos);
    CHECK(why_not("[1]").find("not a request") != std::string::npos);
    CHECK(why_not("{}").find("no \"command\"") != std::string::npos);
    CHECK(why_not(R"({"command": 7})").find("no \"command\"") != std::string::npos);
    CHECK(why_not(R"({"command": "halt"})").find("status, stop, powerbtn") != std::string::npos);
    CHECK(why_not(R"({"command": "balloon", "size": -1})").find("bytes") != std::string::npos);
    CHECK(why_not(R"({"command": "balloon"})").find("bytes") != std::string::npos);
    CHECK(why_not(R"({"command": "resume", "x": 1})").find("no arguments") != std::string::npos);
    CHECK(why_not(R"({"command": "stop", "grace_ms": -1})").find("grace_ms") != std::string::npos);
    CHECK(why_not(R"({"command": "stop", "grace_ms": 86400001})").find("grace_ms") !=
          std::string::npos);
    CHECK(why_not(R"({"command": "stop", "force": "yes"})").find("force") != std::string::npos);
    CHECK(why_not(std::string(4000, '[')).find("not a request") != std::string::npos);
    CHECK(why_not("{\"command\": \"\xff\xfe\"}") != "");
}

TEST_CASE("any bytes are a request or nonsense, and both can be answered")
{
    std::mt19937 random(7);
    const std::string good = R"({"command":"stop","force":true,"grace_ms":1})";
    for (int round = 0; round < 20'000; ++round) {
        std::string line = good;
        for (int change = 0; change < 3; ++change)
            line.at(random() % line.size()) = static_cast<char>(random());
        line.resize(random() % 2 == 0 ? line.size() : random() % line.size());
        const auto parsed = parse_request(line);
        if (const auto* nonsense = std::get_if<Nonsense>(&parsed))
            CHECK_THROWS_AS((void)result_of(refused(nonsense->why, false)), Error);
    }
}

TEST_CASE("the five strings of crosvm's clients are taken, and answered in its words")
{
    CHECK(request_of(R"("Exit")").command == Command::Stop);
    CHECK(request_of(R"("Exit")").force);
    CHECK(request_of(R"("SuspendVcpus")").command == Command::Suspend);
    CHECK(request_of(R"("ResumeVcpus")").command == Command::Resume);
    CHECK(request_of(R"("Powerbtn")").command == Command::PowerButton);
    CHECK(request_of(R"("Sleepbtn")").command == Command::SleepButton);
    CHECK(done(request_of(R"("Exit")")) == R"("Ok")");
    CHECK(std::get<Nonsense>(parse_request(R"("Swap")")).crosvm);
    CHECK(refused("no", true) == R"({"Err":"no"})");
    CHECK(is_crosvm_message(R"("Powerbtn")"));
    CHECK_FALSE(is_crosvm_message(R"("Powerbt)"));
    CHECK_FALSE(is_crosvm_message(""));
}

TEST_CASE("a reply is taken apart again: a result, nothing, or the VM's refusal")
{
    CHECK(result_of(R"({"ok":true})") == "null");
    CHECK(result_of(R"({"ok":true,"result":{"a":1}})") == R"({"a":1})");
    CHECK_THROWS_WITH_AS((void)result_of(refused("not now", false)), "not now", Error);
    CHECK_THROWS_AS((void)result_of("gibberish"), Error);
    CHECK_THROWS_AS((void)result_of(R"({"ok":1})"), Error);
}

TEST_CASE("an event says when, of whom and what is known")
{
    const auto time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'500));
    CHECK(to_json(Event{.name = "running"}, "a", time) ==
          R"({"event":"running","time":"1970-01-01T00:00:01.500Z","vm":"a"})");
    CHECK(
        to_json(Event{.name = "exit", .why = "x", .status = 32}, "a\x1b", time) ==
        R"({"event":"exit","time":"1970-01-01T00:00:01.500Z","vm":"a\u001b","why":"x","status":32})");
}

TEST_CASE("a status survives the way through the socket")
{
    Status status;
    status.name = "vm";
    status.state = "running";
    status.vcpus = {{.mmio_reads = 1, .mmio_writes = 2, .cpu_seconds = 0.5}};
    status.consoles = {{.name = "hvc0", .type = "pty", .path = "/dev/pts/1", .sent = 3}};
    const Status again = status_from_json(result_of(done(status)));
    CHECK(again.name == "vm");
    REQUIRE(again.vcpus.size() == 1);
    CHECK(again.vcpus[0].mmio_writes == 2);
    CHECK(again.vcpus[0].cpu_seconds == 0.5);
    REQUIRE(again.consoles.size() == 1);
    CHECK(again.consoles[0].name == "hvc0");
    CHECK(again.consoles[0].path == "/dev/pts/1");
    CHECK_THROWS_AS((void)status_from_json("[]"), Error);
    CHECK_THROWS_AS((void)status_from_json(R"({"pid":"x"})"), Error);
}

TEST_CASE("an answer that nests without end is refused before it costs the stack")
{
    constexpr std::size_t kDeep = 200'000;
    CHECK_THROWS_WITH_AS((void)result_of(R"({"ok":true,"result":)" + std::string(kDeep, '[') +
                                         std::string(kDeep, ']') + "}"),
                         doctest::Contains("nested too deep"), Error);
}

}  // namespace gh::control
