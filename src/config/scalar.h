// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/document.h"
#include "config/keys.h"

#include <optional>
#include <string>

namespace gh::config {

/// What a node says in the terms of its key: a value, or none and perhaps a guess at what was
/// meant, spelled as it should have been written.
struct Reading {
    std::optional<Value> value;
    std::string guess;
};

/// For every kind but Object and List. Knows nothing of files.
[[nodiscard]] Reading read_scalar(const Key& key, const Node& node);

}  // namespace gh::config
