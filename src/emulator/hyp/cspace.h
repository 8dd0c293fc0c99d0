// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/call_error.h"
#include "emulator/hyp/capability.h"

#include <utility>
#include <vector>

namespace gh::hyp {

/// A guest's capabilities by number. Unchanging, so any thread may ask.
class Cspace {
public:
    explicit Cspace(std::vector<Capability> all) : all_(std::move(all)) {}

    struct Found {
        CallError error = kOk;
        unsigned index = 0;
    };

    /// The object behind capability `id`, if it is of that type and all of `rights` are there.
    [[nodiscard]] Found find(std::uint64_t id, ObjectType type, std::uint32_t rights) const noexcept
    {
        if (id >= kEnd)
            return {kArgumentInvalid};
        if (id >= all_.size())
            return {kCapNull};
        const Capability& capability = all_[id];
        if (type != ObjectType::Any && type != capability.object)
            return {kCapWrongType};
        if ((rights & ~capability.rights) != 0)
            return {kCapRights};
        return {kOk, capability.index};
    }

private:
    static constexpr std::uint64_t kEnd = 0x1'0000;  // beyond, a number is no capability at all

    std::vector<Capability> all_;
};

}  // namespace gh::hyp
