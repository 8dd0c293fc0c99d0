// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gh {

/// What to tell somebody who types Ctrl-A ?.
inline constexpr std::string_view kEscapeHelp =
    "\r\n"
    "Ctrl-A x       end the VM\r\n"
    "Ctrl-A b       send a break (Linux: magic SysRq)\r\n"
    "Ctrl-A Ctrl-A  send Ctrl-A\r\n"
    "Ctrl-A ?       this help\r\n";

/// Takes commands that begin with Ctrl-A out of what is typed at a raw terminal. The key may come
/// in one read and its command in the next.
class EscapeFilter {
public:
    struct Result {
        std::vector<std::uint8_t> bytes;  // for the guest; never more than came in
        bool end = false;
        bool help = false;
        bool send_break = false;
    };

    [[nodiscard]] Result filter(std::span<const std::uint8_t> typed);

private:
    void command(std::uint8_t key, Result& result);

    bool escaped_ = false;
};

}  // namespace gh
