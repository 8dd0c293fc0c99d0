// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/gdb/server.h"
#include "emulator/hyp/debugger.h"
#include "machine/machine.h"

#include <memory>
#include <optional>
#include <string>

namespace gh::machine {

/// What --gdb says: "WHERE", a port or the path of a socket, and then the guest waits for its
/// debugger before its first instruction; or "WHERE,nowait".
struct GdbOption {
    std::string where;
    bool wait = true;
};
[[nodiscard]] GdbOption parse_gdb_option(const std::string& text);

/// GDB's way to a machine, from open_vm(), which takes debugger(), to the machine's end.
class Debugging {
public:
    explicit Debugging(const GdbOption& option);

    [[nodiscard]] const std::shared_ptr<hyp::Debugger>& debugger() const { return debugger_; }
    /// From now on GDB can come, and is told so on stderr. `machine` must outlive the server that
    /// this returns. Throws Error.
    [[nodiscard]] std::unique_ptr<gdb::Server> serve(Machine& machine) const;

private:
    GdbOption option_;
    std::shared_ptr<hyp::Debugger> debugger_;
};

}  // namespace gh::machine
