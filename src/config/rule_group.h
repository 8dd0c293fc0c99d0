// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/complaints.h"
#include "config/document.h"
#include "config/parse.h"

#include <string>

namespace gh::config {

/// What the rules look at, and where they complain.
struct Inspection {
    const Vm& vm;
    const Node& root;  // of the file: for the places of complaints
    const Source& source;
    Complaints& complaints;
};

/// What every group of rules needs; a group's rules are the methods of a class below it.
class RuleGroup {
public:
    explicit RuleGroup(const Inspection& inspection)
        : vm_(inspection.vm),
          source_(inspection.source),
          root_(inspection.root),
          complaints_(inspection.complaints)
    {
    }

protected:
    void complain(const std::string& path, const std::string& text);
    /// Nothing was said about it: what follows from a wrong value is not worth a second complaint.
    [[nodiscard]] bool is_sound(const std::string& path) const;
    /// Complains unless the file, the value of `path`, can be made or written to.
    void check_output(const std::string& file, const std::string& path);

    const Vm& vm_;
    const Source& source_;

private:
    const Node& root_;
    Complaints& complaints_;
};

/// Of RAM, its regions, and what lies in them.
void check_memory_rules(const Inspection& inspection);
/// Of serial lines and a console's ports.
void check_line_rules(const Inspection& inspection);
/// Of virtio devices, and of what they share.
void check_device_rules(const Inspection& inspection);

}  // namespace gh::config
