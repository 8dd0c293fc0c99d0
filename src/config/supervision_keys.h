// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/slots.h"

#include <array>
#include <string_view>

/// The keys that say what happens at a VM's begin and end, and how one speaks to it meanwhile.
namespace gh::config {

inline constexpr std::array<std::string_view, 3> kEndActions{"exit", "restart", "pause"};
inline constexpr std::array<std::string_view, 1> kAlsoBackoff{"delay"};

inline constexpr std::uint64_t kSecond = 1000;
inline constexpr std::uint64_t kDay = kSecond * 3600 * 24;

inline constexpr std::array kEndKeys{
    Key{.name = "action",
        .kind = Kind::Choice,
        .slot = kValue<&EndPolicy::action>,
        .help = "End gh-vmm with the status that says how the guest ended (exit), build the "
                "machine anew (restart), or keep what is left for a look until somebody says stop "
                "or reset (pause).",
        .choices = kEndActions},
    Key{.name = "limit",
        .kind = Kind::Number,
        .slot = kValue<&EndPolicy::limit>,
        .help = "How many restarts in a row, each after less than ten minutes, before gh-vmm ends "
                "all the same; 0: as many as it takes.",
        .range = {0, 1'000'000}},
    Key{.name = "backoff",
        .kind = Kind::Duration,
        .slot = kValue<&EndPolicy::backoff>,
        .help = "How long to wait before the first restart in a row; doubles with each, up to a "
                "minute.",
        .range = {0, 60 * kSecond},
        .also = kAlsoBackoff},
};

inline constexpr std::array kStopKeys{
    Key{.name = "grace",
        .kind = Kind::Duration,
        .slot = kValue<&Stop::grace>,
        .help = "How long a guest that was asked to power off may take before it is ended.",
        .range = {0, kDay}},
};

inline constexpr std::array kBootKeys{
    Key{.name = "timeout",
        .kind = Kind::Duration,
        .slot = kValue<&Boot::timeout>,
        .help = "How long the guest may take from its start until it is ready.",
        .range = {1, kDay}},
    Key{.name = "ready",
        .kind = Kind::Text,
        .slot = kValue<&Boot::ready>,
        .help = "What the guest says on its first serial line once it is ready. Without it: it is "
                "ready as it starts.",
        .range = {1, 255}},
};

inline constexpr std::array kControlKeys{
    Key{.name = "enabled",
        .kind = Kind::Flag,
        .slot = kValue<&Control::enabled>,
        .help = "Whether gh-vmm listens at a control socket."},
    Key{.name = "socket",
        .kind = Kind::Path,
        .slot = kValue<&Control::socket>,
        .help = "Where it listens. Without it: in the runtime folder, by the VM's name."},
    Key{.name = "crosvm_socket",
        .kind = Kind::Path,
        .slot = kValue<&Control::crosvm_socket>,
        .help = "A second socket, of type SOCK_SEQPACKET, for launchers of crosvm."},
};

}  // namespace gh::config
