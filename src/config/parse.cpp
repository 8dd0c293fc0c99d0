// SPDX-License-Identifier: BSD-3-Clause
#include "config/parse.h"

#include "config/document.h"
#include "config/files.h"
#include "config/keys.h"
#include "config/reader.h"
#include "config/rules.h"
#include "config/setting.h"

namespace gh::config {

Vm parse(const Source& source)
{
    Complaints complaints{source.file};
    auto root = parse_document(source.text, complaints);
    complaints.throw_if_any();
    for (const auto& setting : source.settings)
        apply_setting(*root, setting, complaints);
    Vm vm;
    Reader{source, complaints}.read_members(root_key(), *root, "", &vm);
    complete(vm, source);
    check_rules(vm, *root, source, complaints);
    complaints.throw_if_any();
    return vm;
}

Vm load(const std::string& path, const std::vector<std::string>& settings, Files files)
{
    return parse({path, read_config_text(path), folder_of(path), settings, files});
}

}  // namespace gh::config
