// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"

#include <cstddef>
#include <string>

/// What the values of a network card mean, beyond what the table of keys says.
namespace gh::config {

/// Fills in what follows from other keys of the card, from the VM's name and from which card of its
/// it is.
void complete_card(Net& net, const std::string& name, std::size_t index);

/// Six bytes in lower-case hexadecimal with colons between them, and not those of a group, which
/// bit 0 of the first would say.
[[nodiscard]] bool is_card_address(const std::string& mac);

/// An IPv4 or IPv6 address in numbers.
[[nodiscard]] bool is_host_address(const std::string& address);

}  // namespace gh::config
