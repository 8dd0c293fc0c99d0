// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/gdb/actions.h"
#include "emulator/gdb/stop_points.h"
#include "emulator/hyp/debugger.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gh::gdb {

/// What GDB may ask of the machine around the VM.
struct MachineHooks {
    std::function<void()> kill;  // `k`: the VM is to end
    /// `monitor COMMAND`: what to print. Empty: there are no commands.
    std::function<std::string(std::string_view command)> monitor;
    /// The VM stands, or goes again: for clocks that watch the guest. May come a little late.
    std::function<void(bool stands)> stands{};
};

/// One conversation in the remote serial protocol (GDB manual, appendix E), all-stop, a thread for
/// each vCPU with the number of the vCPU plus one. Bodies of packets in, bodies of packets out; the
/// server has the wire. Breakpoints and watchpoints of every kind are the emulated hypervisor's and
/// leave the guest's memory alone.
class Session {
public:
    /// Both must outlive it. Stops the VM.
    Session(hyp::Debugger& debugger, const MachineHooks& hooks);
    /// Lets the VM go, without stop points.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// What to answer; nothing: the answer comes when the VM stops, or never (`k`).
    [[nodiscard]] std::optional<std::string> answer(std::string_view packet);
    /// Ctrl-C.
    void interrupt();
    /// The answer that GDB waits for since it let the VM go, if there is one now.
    [[nodiscard]] std::optional<std::string> stop_reply();

    /// GDB has said goodbye.
    [[nodiscard]] bool over() const noexcept { return over_; }
    /// No acknowledgements any more.
    [[nodiscard]] bool without_acks() const noexcept { return without_acks_; }

private:
    std::string query(std::string_view packet);
    std::string set(std::string_view packet);
    std::string features(std::string_view packet);
    std::string transfer(std::string_view packet);
    std::string thread_info(std::string_view packet);
    std::string monitor(std::string_view digits);
    std::string choose_thread(std::string_view packet);
    std::string registers(std::string_view packet);
    std::string write_register(std::string_view packet);
    std::string read_memory(std::string_view packet);
    std::string write_memory(std::string_view packet, bool binary);
    std::string change_point(std::string_view packet, Insert insert);
    std::optional<std::string> resume(std::string_view packet);
    std::optional<std::string> v_packet(std::string_view packet);
    std::optional<std::string> let_go(const Orders& orders);
    std::string detach();
    [[nodiscard]] std::string describe(const hyp::Debugger::Stop& stop);

    hyp::Debugger& debugger_;
    const MachineHooks& hooks_;
    cpu::StopPoints points_;
    unsigned vcpu_ = 0;  // whose registers and memory are meant: Hg, or who stopped since
    bool awaits_stop_ = false;
    bool over_ = false;
    bool without_acks_ = false;
    bool detached_ = false;
};

}  // namespace gh::gdb
