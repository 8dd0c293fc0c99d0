// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/lint.h"

#include <algorithm>

namespace gh::fdt {
namespace {

std::vector<Parcel> parcels_of(const LintContext& context, Bytes blob)
{
    if (!context.parcels.empty())
        return context.parcels;
    const auto view = View::open(blob);
    const auto memory = view ? view->find("/memory") : std::nullopt;
    const auto reg = memory ? view->property(*memory, "reg") : std::nullopt;
    const std::uint64_t size = reg && reg->size() >= 16 ? cells(*reg, 2, 2) : 0;
    return {{0, size == 0 ? 0x20'0000 : size, true, true}};
}

bool is_unreadable(const VmConfigTree& tree)
{
    return std::any_of(tree.findings.begin(), tree.findings.end(), [](const Finding& finding) {
        return finding.rule == "header" || finding.rule == "totalsize";
    });
}

}  // namespace

std::vector<Finding> lint(Bytes blob, const LintContext& context)
{
    const auto tree = read_vm_config(blob, context.platform);
    auto findings = tree.findings;
    if (is_unreadable(tree))
        return findings;
    const auto layout = place_parcels(tree, parcels_of(context, blob));
    findings.insert(findings.end(), layout.findings.begin(), layout.findings.end());
    return findings;
}

std::string to_string(const Finding& finding)
{
    const bool odd = finding.kind == Finding::Kind::Odd;
    return std::string(odd ? "note: " : "error: ") + finding.rule + ": " + finding.path + ": " +
           finding.message;
}

}  // namespace gh::fdt
