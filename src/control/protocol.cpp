// SPDX-License-Identifier: BSD-3-Clause
#include "control/protocol.h"

#include "base/error.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

#include <time.h>

namespace gh::control {
namespace {

using json = nlohmann::ordered_json;

struct Word {
    std::string_view text;
    Command command;
};
constexpr std::array kCommands{
    Word{"status", Command::Status},        Word{"stop", Command::Stop},
    Word{"powerbtn", Command::PowerButton}, Word{"sleepbtn", Command::SleepButton},
    Word{"suspend", Command::Suspend},      Word{"resume", Command::Resume},
    Word{"reset", Command::Reset},          Word{"balloon", Command::Balloon},
    Word{"events", Command::Events},
};
// vm_control's VmRequest, as serde writes variants without data.
constexpr std::array kCrosvmWords{
    Word{"Exit", Command::Stop},
    Word{"SuspendVcpus", Command::Suspend},
    Word{"ResumeVcpus", Command::Resume},
    Word{"Powerbtn", Command::PowerButton},
    Word{"Sleepbtn", Command::SleepButton},
};

std::optional<Command> find(std::span<const Word> words, std::string_view text)
{
    const auto found = std::find_if(words.begin(), words.end(),
                                    [text](const Word& word) { return word.text == text; });
    return found == words.end() ? std::nullopt : std::optional(found->command);
}

std::string names()
{
    std::string text;
    for (const Word& word : kCommands)
        text += (text.empty() ? "" : ", ") + std::string(word.text);
    return text;
}

// Of the client's own choosing, so short enough to be printed and without what a terminal obeys.
std::string dump(const json& value)
{
    return value.dump(-1, ' ', true, json::error_handler_t::replace);
}

// Exit is at once, as crosvm's.
std::variant<Request, Nonsense> parse_crosvm(const std::string& word)
{
    const auto command = find(kCrosvmWords, word);
    if (!command)
        return Nonsense{"unknown request", true};
    return Request{.command = *command, .force = true, .grace = {}, .crosvm = true};
}

std::variant<Request, Nonsense> parse_stop(const json& object, Request request)
{
    constexpr std::uint64_t kLongest = 24ull * 3600 * 1000;
    for (const auto& [key, value] : object.items()) {
        if (key == "force" && value.is_boolean())
            request.force = value.get<bool>();
        else if (key == "grace_ms" && value.is_number_unsigned() &&
                 value.get<std::uint64_t>() <= kLongest)
            request.grace = std::chrono::milliseconds(value.get<std::int64_t>());
        else if (key != "command")
            return Nonsense{
                "stop takes \"force\" (true or false) and \"grace_ms\" (an integer "
                "from 0 to 86400000)"};
    }
    return request;
}

std::variant<Request, Nonsense> parse_balloon(const json& object, Request request)
{
    const auto size = object.find("size");
    if (object.size() != 2 || size == object.end() || !size->is_number_unsigned())
        return Nonsense{"balloon takes \"size\" (bytes)"};
    request.size = size->get<std::uint64_t>();
    return request;
}

std::variant<Request, Nonsense> parse_object(const json& object)
{
    const auto name = object.find("command");
    if (name == object.end() || !name->is_string())
        return Nonsense{"no \"command\"; there are " + names()};
    const auto command = find(kCommands, name->get_ref<const std::string&>());
    if (!command)
        return Nonsense{"unknown command; there are " + names()};
    const Request request{.command = *command, .force = false, .grace = {}, .crosvm = false};
    if (*command == Command::Stop)
        return parse_stop(object, request);
    if (*command == Command::Balloon)
        return parse_balloon(object, request);
    if (object.size() != 1)
        return Nonsense{"this command takes no arguments"};
    return request;
}

// Depth first: a few thousand brackets are no reason to recurse as often.
bool is_shallow(std::string_view line)
{
    constexpr auto kDeepest = 8;
    return std::count_if(line.begin(), line.end(), [](char c) { return c == '[' || c == '{'; }) <=
           kDeepest;
}

// Somebody who got into a VM may answer in a way that costs whoever prints it its stack.
constexpr std::ptrdiff_t kDeepestReply = 1000;

/// Of brackets, those in texts included.
std::ptrdiff_t depth(std::string_view line)
{
    std::ptrdiff_t open = 0;
    std::ptrdiff_t most = 0;
    for (const char c : line) {
        open += (c == '[' || c == '{') - (c == ']' || c == '}');
        most = std::max(most, open);
    }
    return most;
}

}  // namespace

std::variant<Request, Nonsense> parse_request(std::string_view line)
{
    if (!is_shallow(line))
        return Nonsense{R"(not a request: a line of JSON such as {"command": "status"})"};
    const json value = json::parse(line, nullptr, false);
    if (value.is_string())
        return parse_crosvm(value.get<std::string>());
    if (value.is_object())
        return parse_object(value);
    return Nonsense{R"(not a request: a line of JSON such as {"command": "status"})"};
}

bool is_crosvm_message(std::string_view bytes)
{
    return std::any_of(kCrosvmWords.begin(), kCrosvmWords.end(), [bytes](const Word& word) {
        return bytes.size() == word.text.size() + 2 && bytes.front() == '"' &&
               bytes.back() == '"' && bytes.substr(1, word.text.size()) == word.text;
    });
}

std::string done(const Request& request)
{
    return request.crosvm ? R"("Ok")" : R"({"ok":true})";
}

std::string done(const Status& status)
{
    return R"({"ok":true,"result":)" + to_json(status) + "}";
}

std::string refused(const std::string& why, bool crosvm)
{
    return dump(crosvm ? json{{"Err", why}} : json{{"ok", false}, {"error", why}});
}

std::string to_json(const Event& event, const std::string& vm,
                    std::chrono::system_clock::time_point time)
{
    const auto since = time.time_since_epoch();
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(since);
    const time_t seconds = whole.count();
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(since - whole).count();
    tm utc{};
    (void)::gmtime_r(&seconds, &utc);
    std::array<char, 32> date{};
    (void)::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    std::array<char, 16> fraction{};
    (void)std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(milliseconds));
    json object{
        {"event", event.name}, {"time", std::string(date.data()) + fraction.data()}, {"vm", vm}};
    if (!event.why.empty())
        object["why"] = event.why;
    if (event.status)
        object["status"] = *event.status;
    if (event.count)
        object["count"] = *event.count;
    if (event.delay_ms)
        object["delay_ms"] = *event.delay_ms;
    return dump(object);
}

std::string to_json(const Request& request)
{
    const auto* const word =
        std::find_if(kCommands.begin(), kCommands.end(),
                     [&](const Word& candidate) { return candidate.command == request.command; });
    json object{{"command", word->text}};
    if (request.force)
        object["force"] = true;
    if (request.grace)
        object["grace_ms"] = request.grace->count();
    if (request.command == Command::Balloon)
        object["size"] = request.size;
    return dump(object);
}

std::string result_of(const std::string& reply)
{
    if (depth(reply) > kDeepestReply)
        throw Error("the VM's answer is not understood: it is nested too deep");
    const json value = json::parse(reply, nullptr, false);
    if (!value.is_object() || !value.contains("ok") || !value["ok"].is_boolean())
        throw Error("the VM's answer is not understood: is this the control socket of a gh-vmm?");
    if (!value["ok"].get<bool>())
        throw Error(value.contains("error") && value["error"].is_string()
                        ? value["error"].get<std::string>()
                        : "the VM refused without a reason");
    return value.contains("result") ? dump(value["result"]) : "null";
}

}  // namespace gh::control
