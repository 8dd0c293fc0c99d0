// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/poller.h"
#include "base/timer.h"
#include "control/server.h"
#include "control/service_manager.h"
#include "machine/control_sockets.h"
#include "machine/machine.h"
#include "machine/restarts.h"
#include "machine/signals.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace gh::machine {

/// Watches over a VM from its first start to its last end: builds machines one after the other as
/// the configuration's on_... keys ask for, hears signals and the control socket, tells the service
/// manager. All of it in the main thread, by one poller, so nothing here needs a lock.
class Supervisor final : public control::Target {
public:
    /// A machine that is ready to start; throws Error.
    using Build = std::function<std::unique_ptr<Machine>()>;

    /// Makes the control sockets. `vm` and `signals` must outlive it. Throws Error if one that the
    /// configuration names cannot be had; the one by name is done without then, with a warning.
    Supervisor(const config::Vm& vm, Build build, const Signals& signals);
    ~Supervisor() override = default;
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    /// Starts the guest, calls `started` once it runs, and returns how the VM ended for good.
    /// Throws Error for what the host does not do. Once.
    [[nodiscard]] Outcome run(const std::function<void()>& started = {});

    [[nodiscard]] control::Status status() override;
    [[nodiscard]] std::string obey(const control::Request& request) override;

private:
    enum class State { Starting, Running, Paused, Stopping, Restarting, Ended };
    using Clock = std::chrono::steady_clock;

    void begin();
    void end_of_machine();
    void unwatch_machine();
    void decide(const Outcome& outcome);
    void restart(const Outcome& outcome, const config::EndPolicy& policy);
    void keep(const Outcome& outcome);
    void conclude(const Outcome& outcome);

    void take_signal();
    void become_ready();
    void boot_timed_out();
    void grace_is_over();
    void stop(const std::string& why, bool force, std::chrono::milliseconds grace);
    [[nodiscard]] std::string press_power_button();
    [[nodiscard]] std::string suspend();
    [[nodiscard]] std::string resume();
    [[nodiscard]] std::string reset();

    [[nodiscard]] const config::EndPolicy& policy_for(int code) const;
    [[nodiscard]] bool goes_on_after(const Outcome& outcome) const;
    [[nodiscard]] Clock::duration ran() const { return Clock::now() - started_; }
    void enter(State state, const control::Event& event);
    void announce(const control::Event& event);

    const config::Vm& vm_;
    Build build_;
    const Signals& signals_;
    control::ServiceManager service_manager_;
    Poller poller_;
    ControlSockets sockets_;
    Timer boot_timer_;
    Timer grace_timer_;
    Timer restart_timer_;
    Timer watchdog_timer_;

    State state_ = State::Starting;
    bool ready_ = false;
    bool last_ = false;  // no machine comes after this one: somebody here ends the VM
    bool reset_asked_ = false;
    std::string stop_reason_;
    Clock::time_point stop_asked_{};
    Clock::time_point started_{};
    Restarts restarts_;
    std::uint64_t restart_count_ = 0;
    std::optional<Outcome> outcome_;  // of the machine that ended last
    std::unique_ptr<Machine> machine_;
};

}  // namespace gh::machine
