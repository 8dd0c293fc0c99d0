// SPDX-License-Identifier: BSD-3-Clause
#include "config/complaints.h"

#include <algorithm>
#include <tuple>

namespace gh::config {
namespace {

constexpr std::size_t kMostSaid = 50;  // another kind of file would be scrolled by without end

std::string joined(const std::vector<std::string>& lines)
{
    std::string text;
    for (const auto& line : lines)
        text += (text.empty() ? "" : "\n") + line;
    return text;
}

bool is_inside(std::string_view path, std::string_view outer)
{
    return path.starts_with(outer) && (path.size() == outer.size() || path[outer.size()] == '.');
}

}  // namespace

ConfigError::ConfigError(std::string file, std::vector<std::string> lines, std::size_t count)
    : Error(joined(lines)),
      file_(std::move(file)),
      lines_(std::move(lines)),
      count_(std::max(count, lines_.size()))
{
}

void Complaints::add(const Place& place, std::string_view path, std::string_view text)
{
    complaints_.push_back({place, std::string(path), std::string(text)});
}

bool Complaints::mention(std::string_view path) const
{
    return std::any_of(complaints_.begin(), complaints_.end(), [path](const Complaint& c) {
        return is_inside(c.path, path) || is_inside(path, c.path);
    });
}

std::string Complaints::line(const Complaint& complaint) const
{
    const Place& place = complaint.place;
    const std::string where = place.option.empty() ? file_ + ":" + std::to_string(place.line) +
                                                         ":" + std::to_string(place.column)
                                                   : place.option;
    return where + ": " + (complaint.path.empty() ? "" : complaint.path + ": ") + complaint.text;
}

void Complaints::throw_if_any() const
{
    if (complaints_.empty())
        return;
    auto sorted = complaints_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Complaint& a, const Complaint& b) {
        return std::tuple(!a.place.option.empty(), a.place.line, a.place.column) <
               std::tuple(!b.place.option.empty(), b.place.line, b.place.column);
    });
    std::vector<std::string> lines;
    for (const auto& complaint : sorted)
        if (lines.size() < kMostSaid)
            lines.push_back(line(complaint));
    throw ConfigError(file_, std::move(lines), sorted.size());
}

}  // namespace gh::config
