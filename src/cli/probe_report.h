// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/host.h"
#include "gunyah/inspect.h"

#include <optional>
#include <string>

namespace gh::cli {

/// All that `gh-vmm probe` found out.
struct ProbeReport {
    std::string device;
    bool emulated = false;
    std::string engine;             // of the emulated device: "jit", or "interpreter" and why
    std::optional<unsigned> vcpus;  // at most; none: a device does not say before a VM starts
    gunyah::Inspection inspection;
    gunyah::Host host;

    /// Nothing stands in the way of a VM.
    [[nodiscard]] bool usable() const;
};

[[nodiscard]] std::string probe_text(const ProbeReport& report);
[[nodiscard]] std::string probe_json(const ProbeReport& report);

}  // namespace gh::cli
