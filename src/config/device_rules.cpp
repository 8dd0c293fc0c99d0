// SPDX-License-Identifier: BSD-3-Clause
#include "config/files.h"
#include "config/layout.h"
#include "config/network.h"
#include "config/quantity.h"
#include "config/reader.h"
#include "config/rule_group.h"

#include <algorithm>

namespace gh::config {
namespace {

constexpr std::size_t kFolderTag = 36;         // virtio's limit
constexpr std::size_t kMostSharedRegions = 8;  // vhost-user's

/// How many regions a folder's server maps: those that devices may write, RAM and bounce buffer
/// among them.
std::size_t shared_regions(const Memory& memory)
{
    const auto regions =
        std::count_if(memory.regions.begin(), memory.regions.end(), [](const Region& region) {
            return region.sharing == Sharing::Share && region.access.write && !region.copy_on_write;
        });
    return static_cast<std::size_t>(regions) + (memory.sharing == Sharing::Share ? 1 : 0) +
           (memory.swiotlb != 0 ? 1 : 0);
}

class DeviceRules final : RuleGroup {
public:
    using RuleGroup::RuleGroup;

    void check()
    {
        check_disks();
        check_net();
        check_folders();
        check_devices();
    }

private:
    void check_disks()
    {
        for (std::size_t i = 0; i < vm_.disks.size(); ++i)
            if (is_sound("disks." + std::to_string(i)))
                check_disk(vm_.disks[i], i);
    }

    void check_disk(const Disk& disk, std::size_t index)
    {
        const std::string path = "disks." + std::to_string(index) + ".path";
        if (!disk.readonly && source_.files == Files::Check)
            if (const auto trouble = file_trouble(disk.path, FileUse::ReadWrite); !trouble.empty())
                complain(path, "got " + in_quotes(disk.path) + "; expected " + trouble +
                                   ", or \"readonly\": true");
        if (source_.files == Files::Check)
            if (const auto trouble = disk_trouble(disk.path); !trouble.empty())
                complain(path, "got " + in_quotes(disk.path) + "; expected " + trouble);
        for (std::size_t i = 0; i < index; ++i)
            if (const Disk& before = vm_.disks[i]; before.path == disk.path && disk.lock &&
                                                   before.lock &&
                                                   !(disk.readonly && before.readonly))
                complain(path, "got " + in_quotes(disk.path) +
                                   "; expected an image of its own (disks." + std::to_string(i) +
                                   " has this one)");
    }

    void check_net()
    {
        for (std::size_t i = 0; i < vm_.net.size(); ++i)
            if (is_sound("net." + std::to_string(i)))
                check_card(vm_.net[i], i);
    }

    void check_card(const Net& net, std::size_t index)
    {
        const std::string path = "net." + std::to_string(index);
        if ((net.type == NetType::Tap) == net.tap.empty())
            complain(path, "expected a tap's name (\"tap\") with type tap, and only there");
        if ((net.type == NetType::Fd) != net.fd.has_value())
            complain(path, "expected a descriptor (\"fd\") with type fd, and only there");
        if (net.type != NetType::User && !net.forward.empty())
            complain(path + ".forward", "got forwards; expected them with type user alone");
        if (!is_card_address(net.mac))
            complain(path + ".mac", "got " + in_quotes(net.mac) +
                                        "; expected six pairs of hexadecimal digits, not those of "
                                        "a group, such as \"02:00:00:00:00:01\"");
        for (std::size_t i = 0; i < index; ++i)
            check_cards_differ(net, i, path);
        for (std::size_t i = 0; i < net.forward.size(); ++i)
            if (!is_host_address(net.forward[i].address))
                complain(path + ".forward." + std::to_string(i) + ".address",
                         "got " + in_quotes(net.forward[i].address) +
                             "; expected an IPv4 or IPv6 address");
    }

    void check_cards_differ(const Net& net, std::size_t other, const std::string& path)
    {
        const Net& before = vm_.net[other];
        const std::string name = "net." + std::to_string(other);
        if (net.mac == before.mac)
            complain(path + ".mac", "got " + in_quotes(net.mac) +
                                        "; expected an address of its own (" + name +
                                        " has this one)");
        if ((!net.tap.empty() && net.tap == before.tap) || (net.fd && net.fd == before.fd))
            complain(path, "expected a tap or descriptor of its own (" + name + " has this one)");
    }

    void check_folders()
    {
        for (std::size_t i = 0; i < vm_.folders.size(); ++i)
            if (is_sound("folders." + std::to_string(i)))
                check_folder(vm_.folders[i], i);
        const auto shared = shared_regions(vm_.memory);
        if (!vm_.folders.empty() && shared > kMostSharedRegions)
            complain("folders", "got folders, and " + std::to_string(shared) +
                                    " regions of memory that the host shares; expected at most " +
                                    std::to_string(kMostSharedRegions) +
                                    " of these (vhost-user's limit)");
    }

    void check_folder(const Folder& folder, std::size_t index)
    {
        const std::string path = "folders." + std::to_string(index);
        if (folder.path.empty() == folder.socket.empty())
            return complain(path,
                            "expected a folder (\"path\"), or the \"socket\" of a virtiofsd "
                            "that runs already, and not both");
        if (folder.tag.empty() || folder.tag.size() > kFolderTag)
            complain(path + ".tag", "got " + in_quotes(folder.tag) + "; expected a text of 1 to " +
                                        std::to_string(kFolderTag) + " bytes");
        if (folder.readonly && !folder.socket.empty())
            complain(path + ".readonly",
                     "got true; expected it where gh-vmm starts virtiofsd "
                     "alone, which needs a \"path\"");
        if (!folder.path.empty() && source_.files == Files::Check)
            if (const auto trouble = folder_trouble(folder.path); !trouble.empty())
                complain(path + ".path", "got " + in_quotes(folder.path) + "; expected " + trouble);
        for (std::size_t i = 0; i < index; ++i)
            check_folders_differ(folder, i, path);
    }

    void check_folders_differ(const Folder& folder, std::size_t other, const std::string& path)
    {
        const Folder& before = vm_.folders[other];
        const std::string name = "folders." + std::to_string(other);
        if (folder.tag == before.tag)
            complain(path + ".tag", "got " + in_quotes(folder.tag) +
                                        "; expected a tag of its own (" + name + " has this one)");
        if (!folder.socket.empty() && folder.socket == before.socket)
            complain(path + ".socket", "got " + in_quotes(folder.socket) +
                                           "; expected a socket of its own (" + name +
                                           " has this one)");
    }

    /// Of every device that reads and writes guest memory by itself.
    void check_devices()
    {
        check_device("disks", "disks", !vm_.disks.empty());
        check_device("net", "cards", !vm_.net.empty());
        check_device("folders", "folders", !vm_.folders.empty());
        check_device("console", "ports", !vm_.console.empty());
        check_device("vsock", "sockets", vm_.vsock.has_value());
        if (vm_.vsock && is_sound("vsock.path") && source_.files == Files::Check)
            check_output(vm_.vsock->path, "vsock.path");
        check_device("balloon", "a balloon", vm_.balloon && vm_.balloon->enabled);
        check_balloon();
        check_device("rng", "true", vm_.rng == true);
    }

    void check_balloon()
    {
        if (!vm_.balloon || !vm_.balloon->enabled || !is_sound("balloon") || !is_sound("memory"))
            return;
        if (vm_.memory.sharing == Sharing::Lend)
            complain("balloon",
                     "got a balloon; expected none, as RAM is lent (memory.sharing) and "
                     "comes back to the host at the VM's end alone");
        else if (vm_.balloon->size >= vm_.memory.size)
            complain("balloon.size", "got " + format_size(vm_.balloon->size) +
                                         "; expected less than the guest's RAM (memory.size, " +
                                         format_size(vm_.memory.size) + ")");
    }

    void check_device(const std::string& path, const std::string& what, bool wanted)
    {
        if (!wanted || !is_sound(path) || !is_sound("memory"))
            return;
        // Both tiers must read the same; a device writes between them.
        if (vm_.hypervisor.engine == Engine::Lockstep)
            complain(path, "got " + what + "; expected none, as hypervisor.engine is lockstep");
        if (!devices_reach(vm_.memory))
            complain(path, "got " + what +
                               ", but no way for data: RAM is lent (memory.sharing); expected a "
                               "bounce buffer (memory.swiotlb, such as \"16MiB\")");
    }
};

}  // namespace

void check_device_rules(const Inspection& inspection)
{
    DeviceRules{inspection}.check();
}

}  // namespace gh::config
