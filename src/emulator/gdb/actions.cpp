// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/actions.h"

#include "emulator/gdb/arguments.h"
#include "emulator/gdb/packet.h"

#include <algorithm>

namespace gh::gdb {

using Order = hyp::Debugger::Order;

std::optional<Orders> parse_actions(std::string_view text, unsigned vcpus, unsigned present)
{
    std::vector<std::optional<Order>> wanted(vcpus);
    while (take(text, ";")) {
        if (text.empty())
            return std::nullopt;
        const char action = text.front();
        text.remove_prefix(1);
        if ((action == 'C' || action == 'S') && !take_number(text))
            return std::nullopt;
        if (action != 'c' && action != 'C' && action != 's' && action != 'S')
            return std::nullopt;
        const Order order = action == 's' || action == 'S' ? Order::Step : Order::Go;
        unsigned first = 0;
        unsigned end = vcpus;
        if (take(text, ":") && !take(text, "-1")) {
            const auto vcpu = take_vcpu(text, vcpus, present);
            if (!vcpu)
                return std::nullopt;
            first = *vcpu;
            end = first + 1;
        }
        for (unsigned n = first; n < end && n < vcpus; ++n)
            wanted[n] = wanted[n].value_or(order);
    }
    const bool any = std::any_of(wanted.begin(), wanted.end(),
                                 [](const auto& order) { return order.has_value(); });
    if (!text.empty() || !any)
        return std::nullopt;
    Orders orders;
    for (const auto& order : wanted)
        orders.push_back(order.value_or(Order::Stay));
    return orders;
}

}  // namespace gh::gdb
