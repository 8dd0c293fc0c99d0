// SPDX-License-Identifier: BSD-3-Clause
#include "machine/folders.h"

#include "base/error.h"
#include "base/log.h"
#include "devices/virtio/virtiofsd.h"

#include <string>

namespace gh::machine {
namespace {

std::unique_ptr<virtio::VhostUser> open(const config::Folder& folder, std::size_t index)
{
    const std::string name = "folder" + std::to_string(index);
    return folder.socket.empty() ? virtio::start_virtiofsd(name, folder.path, folder.readonly)
                                 : virtio::connect_vhost_user(name, folder.socket);
}

}  // namespace

Folders::Folders(std::span<const config::Folder> wanted) : wanted_(wanted)
{
    for (const config::Folder& folder : wanted)
        backends_.push_back(open(folder, backends_.size()));
}

void Folders::renew(bool may_start) noexcept
{
    for (std::size_t i = 0; i < backends_.size(); ++i) {
        if (backends_[i]->is_alive())
            continue;
        try {
            if (wanted_[i].socket.empty() && !may_start)
                throw Error(
                    "folder" + std::to_string(i) +
                    ": virtiofsd has ended, and who is confined starts no other; the folder "
                    "fails until gh-vmm is started again (sandbox, in gh-vmm.json(5))");
            backends_[i] = open(wanted_[i], i);
        } catch (const Error& error) {
            log(LogLevel::Error, "%s", error.what());
        }
    }
}

}  // namespace gh::machine
