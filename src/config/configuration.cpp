// SPDX-License-Identifier: BSD-3-Clause
#include "config/configuration.h"

#include "config/completion.h"
#include "config/document.h"
#include "config/files.h"
#include "config/keys.h"
#include "config/reader.h"
#include "config/rules.h"
#include "config/setting.h"

namespace gh::config {

Configuration::Configuration(const Source& source) : file_(source.file)
{
    Complaints complaints{source.file};
    auto root = parse_document(source.text, complaints);
    complaints.throw_if_any();
    root_ = std::move(*root);
    for (const auto& setting : source.settings)
        apply_setting(root_, setting, complaints);
    Reader{source, complaints}.read_members(root_key(), root_, "", &vm_);
    complete(vm_, source);
    check_rules(vm_, root_, source, complaints);
    complaints.throw_if_any();
}

Configuration Configuration::load(const std::string& path, const std::vector<std::string>& settings,
                                  Files files)
{
    return Configuration{{path, read_config_text(path), folder_of(path), settings, files}};
}

void Configuration::complain(Complaints& complaints, std::string_view path,
                             std::string_view expected) const
{
    const Node& node = node_at(root_, path);
    complaints.add(
        node.place, path,
        (path.empty() ? "" : "got " + describe(node) + "; expected ") + std::string(expected));
}

}  // namespace gh::config
