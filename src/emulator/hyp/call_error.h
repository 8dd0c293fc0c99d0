// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh::hyp {

/// What a hypercall answers in x0 (gunyah-guest-abi.md 4).
enum CallError : std::uint64_t {
    kOk = 0,
    kArgumentInvalid = 1,
    kArgumentSize = 2,
    kArgumentAlignment = 3,
    kAddressOverflow = 20,
    kAddressInvalid = 22,
    kDenied = 30,
    kBusy = 31,
    kCapNull = 50,
    kCapWrongType = 52,
    kCapRights = 53,
    kQueueEmpty = 60,
    kQueueFull = 61,
    kUnimplemented = ~std::uint64_t{0},
};

}  // namespace gh::hyp
