// SPDX-License-Identifier: BSD-3-Clause
#include "machine/supervisor.h"

#include "base/error.h"
#include "base/log.h"
#include "config/quantity.h"
#include "devices/terminal.h"

#include <utility>

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace gh::machine {
namespace {

using std::chrono::milliseconds;

// timeout(1) and shells signal a child and then its whole group, which it is in: what follows so
// soon is the same wish told twice.
constexpr milliseconds kSameWish{500};

std::string in_words(milliseconds time)
{
    return config::format_duration(static_cast<std::uint64_t>(time.count()));
}

}  // namespace

Supervisor::Supervisor(const config::Vm& vm, Build build, const Signals& signals)
    : vm_(vm),
      build_(std::move(build)),
      signals_(signals),
      sockets_(poller_, *this, vm),
      boot_timer_(poller_, [this] { boot_timed_out(); }),
      grace_timer_(poller_, [this] { grace_is_over(); }),
      restart_timer_(poller_, [this] { begin(); }),
      watchdog_timer_(poller_, [this] { service_manager_.tell("WATCHDOG=1"); })
{
    poller_.add(signals_.event(), EPOLLIN, [this](std::uint32_t) { take_signal(); });
    if (const auto period = service_manager_.watchdog_period())
        watchdog_timer_.repeat(*period);
}

Outcome Supervisor::run(const std::function<void()>& started)
{
    begin();
    if (started)
        started();
    poller_.run();
    GH_CHECK(outcome_.has_value());
    machine_.reset();
    return *outcome_;
}

void Supervisor::begin()
{
    ready_ = false;
    reset_asked_ = false;
    enter(State::Starting, {.name = "starting"});
    machine_ = build_();
    poller_.add(machine_->ending().event(), EPOLLIN, [this](std::uint32_t) { end_of_machine(); });
    poller_.add(machine_->ready().get(), EPOLLIN, [this](std::uint32_t) { become_ready(); });
    machine_->start();
    started_ = Clock::now();
    enter(State::Running, {.name = "running"});
    if (vm_.boot.ready.empty())
        become_ready();
    else if (vm_.boot.timeout)
        boot_timer_.start(milliseconds(*vm_.boot.timeout));
}

void Supervisor::become_ready()
{
    (void)machine_->ready().drain();
    boot_timer_.cancel();
    ready_ = true;
    announce({.name = "ready"});
    service_manager_.tell("READY=1");
}

void Supervisor::boot_timed_out()
{
    machine_->ending().request({kNotReady, "the guest was not ready within " +
                                               in_words(milliseconds(*vm_.boot.timeout)) +
                                               " (boot.timeout): \"" + vm_.boot.ready +
                                               "\" did not come on its first serial line"});
}

void Supervisor::unwatch_machine()
{
    ready_ = false;
    boot_timer_.cancel();
    grace_timer_.cancel();
    poller_.remove(machine_->ending().event());
    poller_.remove(machine_->ready().get());
}

// Whoever has asked once and sees nothing happen may force us from here on, unless we go on.
void Supervisor::end_of_machine()
{
    unwatch_machine();
    if (machine_->ending().failed() || !goes_on_after(machine_->ending().outcome()))
        signals_.force_next();
    Outcome outcome = machine_->finish();
    if (last_ && outcome.asked)  // also where a reset was asked for before
        outcome = {kPoweredOff, stop_reason_, true};
    announce({.name = event_name(outcome), .why = outcome.why});
    decide(outcome);
}

bool Supervisor::goes_on_after(const Outcome& outcome) const
{
    if (last_)
        return false;
    if (outcome.asked)
        return reset_asked_;
    return policy_for(outcome.code).action != config::EndAction::Exit;
}

const config::EndPolicy& Supervisor::policy_for(int code) const
{
    switch (code) {
    case kPoweredOff: return vm_.on_poweroff;
    case kReset: return vm_.on_reboot;
    case kWatchdog: return vm_.on_watchdog;
    default: return vm_.on_crash;
    }
}

void Supervisor::decide(const Outcome& outcome)
{
    if (!goes_on_after(outcome))
        return conclude(outcome);
    outcome_ = outcome;
    if (reset_asked_) {
        machine_.reset();
        log(LogLevel::Notice, "%s; starting it anew", outcome.why.c_str());
        ++restart_count_;
        enter(State::Restarting, {.name = "restarting", .why = outcome.why});
        return restart_timer_.start({});
    }
    const auto& policy = policy_for(outcome.code);
    policy.action == config::EndAction::Pause ? keep(outcome) : restart(outcome, policy);
}

// All of the old machine goes before the wait: memory, device, the files that it has locked.
void Supervisor::restart(const Outcome& outcome, const config::EndPolicy& policy)
{
    const auto wait = restarts_.next(policy, std::chrono::duration_cast<milliseconds>(ran()));
    if (!wait) {
        log(LogLevel::Notice, "restarted %u times in a row: that is the limit", restarts_.in_row());
        return conclude(outcome);
    }
    machine_.reset();
    ++restart_count_;
    log(LogLevel::Notice, "%s; restart %u in a row in %s", outcome.why.c_str(), restarts_.in_row(),
        in_words(*wait).c_str());
    enter(State::Restarting, {.name = "restarting",
                              .why = outcome.why,
                              .status = {},
                              .count = restarts_.in_row(),
                              .delay_ms = static_cast<std::uint64_t>(wait->count())});
    restart_timer_.start(*wait);
}

// vCPUs and threads are gone, memory and devices are as the guest left them.
void Supervisor::keep(const Outcome& outcome)
{
    log(LogLevel::Notice, "%s; kept as it is: gh-vmm stop or reset goes on", outcome.why.c_str());
    enter(State::Ended, {.name = "paused", .why = outcome.why});
}

void Supervisor::conclude(const Outcome& outcome)
{
    outcome_ = outcome;
    service_manager_.tell("STOPPING=1");
    enter(State::Ended, {.name = "exit", .why = outcome.why, .status = outcome.code});
    poller_.stop();
}

void Supervisor::take_signal()
{
    const auto signal = signals_.take();
    if (!signal)
        return;
    if (*signal == SIGCONT)
        return RawTerminal::reapply();
    if (*signal == SIGWINCH) {
        if (machine_)
            machine_->terminal_resized();
        return;
    }
    const bool again = state_ == State::Stopping;
    if (again && Clock::now() - stop_asked_ < kSameWish)
        return;
    stop(std::string("ended by SIG") + ::sigabbrev_np(*signal), again,
         milliseconds(vm_.stop.grace));
}

void Supervisor::stop(const std::string& why, bool force, milliseconds grace)
{
    stop_reason_ = why;
    last_ = true;
    if (state_ == State::Ended)
        return conclude(*outcome_);
    if (state_ == State::Restarting) {
        restart_timer_.cancel();
        return conclude({kPoweredOff, why, true});
    }
    if (state_ == State::Paused)
        machine_->resume();
    if (state_ != State::Stopping) {
        service_manager_.tell("STOPPING=1");
        stop_asked_ = Clock::now();
        enter(State::Stopping, {.name = "stopping", .why = why});
    }
    if (force || !machine_->press_power_button())
        return machine_->ending().request({kPoweredOff, why, true});
    log(LogLevel::Info, "%s: the guest has %s to power off", why.c_str(), in_words(grace).c_str());
    grace_timer_.start(grace);
}

void Supervisor::grace_is_over()
{
    log(LogLevel::Warn, "the guest did not power off in time; ending it");
    machine_->ending().request({kPoweredOff, stop_reason_, true});
}

control::Status Supervisor::status()
{
    static constexpr const char* kNames[] = {"starting", "running",    "paused",
                                             "stopping", "restarting", "ended"};
    control::Status status;
    status.name = vm_.name;
    status.pid = ::getpid();
    status.state = kNames[static_cast<std::size_t>(state_)];
    status.ready = ready_;
    status.memory = vm_.memory.size;
    status.restarts = restart_count_;
    if (state_ == State::Ended && outcome_)
        status.why = outcome_->why;
    if (state_ == State::Running || state_ == State::Paused || state_ == State::Stopping)
        status.uptime = std::chrono::duration<double>(ran()).count();
    if (machine_)
        machine_->describe(status);
    return status;
}

std::string Supervisor::obey(const control::Request& request)
{
    switch (request.command) {
    case control::Command::Stop:
        stop(request.crosvm ? "ended by a crosvm client" : "ended by gh-vmm stop", request.force,
             request.grace.value_or(milliseconds(vm_.stop.grace)));
        return {};
    case control::Command::PowerButton: return press_power_button();
    case control::Command::SleepButton: return "this VM has no sleep button";
    case control::Command::Suspend: return suspend();
    case control::Command::Resume: return resume();
    case control::Command::Reset: return reset();
    case control::Command::Balloon:
        return machine_ && machine_->set_balloon(request.size)
                   ? ""
                   : "this VM has no balloon (balloon in its configuration), or does not run";
    case control::Command::Status:
    case control::Command::Events: break;  // the server's
    }
    return "not a request for the VM";
}

std::string Supervisor::press_power_button()
{
    if (state_ != State::Running)
        return "the guest does not run";
    return machine_->press_power_button() ? ""
                                          : "the guest has no power button, or no driver for it";
}

std::string Supervisor::suspend()
{
    if (state_ == State::Paused)
        return {};
    if (state_ != State::Running)
        return "the guest does not run";
    if (!machine_->pause())
        return machine_->ending().requested()
                   ? "the guest has just ended"
                   : "a vCPU did not come out of the hypervisor; nothing is paused";
    boot_timer_.cancel();
    enter(State::Paused, {.name = "paused"});
    return {};
}

std::string Supervisor::resume()
{
    if (state_ == State::Running)
        return {};
    if (state_ != State::Paused)
        return "the guest is not paused";
    machine_->resume();
    if (!ready_ && vm_.boot.timeout)
        boot_timer_.start(milliseconds(*vm_.boot.timeout));
    enter(State::Running, {.name = "resumed"});
    return {};
}

std::string Supervisor::reset()
{
    switch (state_) {
    case State::Stopping: return "the VM is being stopped";
    case State::Starting: return "the VM is being started";
    case State::Restarting: restart_timer_.start({}); return {};
    case State::Running:
    case State::Paused:
        reset_asked_ = true;
        machine_->ending().request({kReset, "reset by gh-vmm reset", true});
        return {};
    case State::Ended:
        machine_.reset();
        ++restart_count_;
        enter(State::Restarting, {.name = "restarting", .why = "reset by gh-vmm reset"});
        restart_timer_.start({});
        return {};
    }
    return {};
}

void Supervisor::enter(State state, const control::Event& event)
{
    state_ = state;
    announce(event);
    service_manager_.tell("STATUS=" + event.name + (event.why.empty() ? "" : ": " + event.why));
}

void Supervisor::announce(const control::Event& event)
{
    log(LogLevel::Info, "event: %s%s%s", event.name.c_str(), event.why.empty() ? "" : ": ",
        event.why.c_str());
    sockets_.publish(control::to_json(event, vm_.name, std::chrono::system_clock::now()));
}

}  // namespace gh::machine
