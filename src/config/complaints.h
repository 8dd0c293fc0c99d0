// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config_error.h"

#include <string>
#include <string_view>
#include <vector>

namespace gh::config {

/// Where a value was written: at a line and column (counted in bytes, from 1) of the file, or in
/// an option of the command line, such as "--set memory.size".
struct Place {
    unsigned line = 1;
    unsigned column = 1;
    std::string option;
};

/// What is wrong with one file, collected so that a person hears of everything at once.
class Complaints {
public:
    /// `file` is the name that the messages begin with.
    explicit Complaints(std::string file) : file_(std::move(file)) {}

    /// `path` is the key path ("memory.regions.0.size", "" for the whole file), `text` the rest of
    /// the sentence: what was found, what was expected.
    void add(const Place& place, std::string_view path, std::string_view text);

    /// True if something was said about `path`, about a value inside it or about one around it:
    /// what follows from such a value is not worth a second complaint.
    [[nodiscard]] bool mention(std::string_view path) const;

    /// Throws ConfigError with all complaints in the order of their places.
    void throw_if_any() const;

private:
    struct Complaint {
        Place place;
        std::string path;
        std::string text;
    };
    [[nodiscard]] std::string line(const Complaint& complaint) const;

    std::string file_;
    std::vector<Complaint> complaints_;
};

}  // namespace gh::config
