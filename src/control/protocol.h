// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "control/status.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

/// The language of the control socket: a line of JSON for each request, one for each reply, UTF-8,
/// ended by a line feed. gh-vmm(1), "CONTROL SOCKET", documents it for others.
///
/// A launcher of crosvm sends a JSON string alone ("Exit", "SuspendVcpus", "ResumeVcpus",
/// "Powerbtn", "Sleepbtn"), with or without a line feed, and gets "Ok" or {"Err": ...} the same
/// way.
namespace gh::control {

/// More than that is no request: who sends it is told so and hung up on.
inline constexpr std::size_t kLongestRequest = 4096;

enum class Command {
    Status,
    Stop,
    PowerButton,
    SleepButton,
    Suspend,
    Resume,
    Reset,
    Balloon,
    Events
};

struct Request {
    Command command = Command::Status;
    bool force = false;                                // stop: without asking the guest
    std::optional<std::chrono::milliseconds> grace{};  // stop: instead of the configuration's
    bool crosvm = false;                               // is answered as crosvm does
    std::uint64_t size = 0;                            // balloon: bytes that it is to hold
};

/// What was sent is no request, and why.
struct Nonsense {
    std::string why;
    bool crosvm = false;
};

/// `line` without its end; any bytes.
[[nodiscard]] std::variant<Request, Nonsense> parse_request(std::string_view line);

/// Whether bytes without a line feed are a whole message of a crosvm client.
[[nodiscard]] bool is_crosvm_message(std::string_view bytes);

/// {"ok": true}, {"ok": true, "result": ...}, {"ok": false, "error": "..."}, without line feed;
/// in crosvm's words where the request was.
[[nodiscard]] std::string done(const Request& request);
[[nodiscard]] std::string done(const Status& status);
[[nodiscard]] std::string refused(const std::string& why, bool crosvm);

/// A line of `events`: what became of the VM.
struct Event {
    std::string name{};                       // "running"
    std::string why{};                        // a sentence, or empty
    std::optional<int> status{};              // exit: the exit status
    std::optional<unsigned> count{};          // restarting: the how-manieth time in a row
    std::optional<std::uint64_t> delay_ms{};  // restarting: how long from now
};
/// {"event": "exit", "time": "2026-11-26T03:14:49.123Z", "vm": "NAME", "status": 0}
[[nodiscard]] std::string to_json(const Event& event, const std::string& vm,
                                  std::chrono::system_clock::time_point time);

/// A client's side. `command` as the protocol spells it.
[[nodiscard]] std::string to_json(const Request& request);
/// The result of a reply as JSON text, "null" if it has none. Throws Error with what the VM said if
/// it refused, or if this is no reply.
[[nodiscard]] std::string result_of(const std::string& reply);

}  // namespace gh::control
