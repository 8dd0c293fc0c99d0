// SPDX-License-Identifier: BSD-3-Clause
#include "config/rules.h"

#include "base/bits.h"
#include "config/files.h"
#include "config/keys.h"
#include "config/layout.h"
#include "config/network.h"
#include "config/processors.h"
#include "config/quantity.h"
#include "config/reader.h"

#include <algorithm>
#include <filesystem>

#include <unistd.h>

namespace gh::config {
namespace {

constexpr std::size_t kCommandLine = 2047;  // arm64's COMMAND_LINE_SIZE without the final zero

/// A range of guest addresses and who asked for it.
struct Span {
    std::uint64_t base;
    std::uint64_t size;
    std::string path;
    std::string name;
};

std::string range_text(const Span& span)
{
    return format_address(span.base) + "-" + format_address(span.base + span.size - 1);
}

std::string region_path(std::size_t index)
{
    return "memory.regions." + std::to_string(index);
}

/// Whether devices have a way to the guest: its RAM, or the bounce buffer.
bool devices_reach(const Memory& memory)
{
    return memory.sharing == Sharing::Share || memory.swiotlb != 0;
}

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

/// What the guest calls a folder that has no tag: the last part of its path.
std::string derived_tag(const Folder& folder)
{
    const std::filesystem::path path{folder.path};
    const auto name = path.has_filename() ? path.filename() : path.parent_path().filename();
    return name.empty() ? "root" : name.string();
}

class Rules {
public:
    Rules(const Vm& vm, const Node& root, const Source& source, Complaints& complaints)
        : vm_(vm), root_(root), source_(source), complaints_(complaints)
    {
    }

    void check()
    {
        check_layout();
        check_hugepages();
        check_regions();
        check_kernel();
        check_params();
        check_lines();
        check_disks();
        check_net();
        check_folders();
        check_devices();
        check_engine();
        check_affinity();
        check_boot();
        check_control();
    }

private:
    void complain(const std::string& path, const std::string& text)
    {
        complaints_.add(node_at(root_, path).place, path, text);
    }
    [[nodiscard]] bool is_sound(const std::string& path) const
    {
        return !complaints_.mention(path);
    }

    [[nodiscard]] std::vector<Span> spans() const
    {
        std::vector<Span> spans;
        const Memory& memory = vm_.memory;
        if (is_sound("memory.size") && is_sound("memory.base"))
            spans.push_back({memory.base, memory.size, "memory", "RAM"});
        if (!spans.empty() && memory.swiotlb != 0 && is_sound("memory.swiotlb"))
            spans.push_back({swiotlb_base(memory), memory.swiotlb, "memory.swiotlb",
                             "the bounce buffer (memory.swiotlb) behind RAM"});
        for (std::size_t i = 0; i < memory.regions.size(); ++i)
            if (memory.regions[i].size != 0 && is_sound(region_path(i) + ".address") &&
                is_sound(region_path(i) + ".size"))
                spans.push_back({memory.regions[i].address, memory.regions[i].size, region_path(i),
                                 region_path(i)});
        return spans;
    }

    void check_layout()
    {
        const auto all = spans();
        for (auto span = all.begin(); span != all.end(); ++span) {
            if (span->base + span->size > kAddressEnd)
                complain(span->path, "got " + range_text(*span) + "; expected an end below " +
                                         format_address(kAddressEnd) +
                                         " (Gunyah's guest addresses have 36 bits)");
            for (auto other = all.begin(); other != span; ++other)
                if (span->base < other->base + other->size && other->base < span->base + span->size)
                    complain(span->path, "got " + range_text(*span) +
                                             "; expected a range that does not overlap " +
                                             other->name + " at " + range_text(*other));
        }
    }

    void check_engine()
    {
        // What one vCPU stored cannot be taken back under the eyes of another.
        if (vm_.hypervisor.engine == Engine::Lockstep && vm_.cpus.count != 1 && is_sound("cpus"))
            complain("cpus", "got " + std::to_string(vm_.cpus.count) +
                                 "; expected 1, as hypervisor.engine is lockstep");
    }

    void check_affinity()
    {
        const auto& all = vm_.cpus.affinity;
        for (std::size_t i = 0; i < all.size(); ++i)
            if (!parse_processors(all[i]))
                complain("cpus.affinity." + std::to_string(i),
                         "got " + in_quotes(all[i]) + "; expected numbers of processors below " +
                             std::to_string(kMostProcessors) + ", such as \"0-3,6\"");
        if (all.size() > 1 && all.size() != vm_.cpus.count && is_sound("cpus"))
            complain("cpus.affinity", "got " + std::to_string(all.size()) +
                                          " values; expected one, or one for each of the " +
                                          std::to_string(vm_.cpus.count) + " CPUs");
    }

    void check_boot()
    {
        if (vm_.boot.timeout && vm_.boot.ready.empty() && is_sound("boot"))
            complain("boot.timeout",
                     "got a time-out without boot.ready; expected also the text that the guest "
                     "says once it is ready");
        if (!vm_.boot.ready.empty() && vm_.serial.empty() && is_sound("serial"))
            complain("boot.ready", "got a text; expected none, as there is no serial line");
    }

    void check_control()
    {
        const Control& control = vm_.control;
        if (!control.crosvm_socket.empty() && control.crosvm_socket == control.socket)
            complain("control.crosvm_socket", "got " + in_quotes(control.socket) +
                                                  "; expected a path of its own "
                                                  "(control.socket has this one)");
        if (source_.files != Files::Check)
            return;
        if (!control.socket.empty() && is_sound("control.socket"))
            check_output(control.socket, "control.socket");
        if (!control.crosvm_socket.empty() && is_sound("control.crosvm_socket"))
            check_output(control.crosvm_socket, "control.crosvm_socket");
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

    void check_hugepages()
    {
        if (vm_.memory.hugepages && !is_aligned(vm_.memory.size, kBlock) && is_sound("memory.size"))
            complain("memory.size", "got " + format_size(vm_.memory.size) +
                                        "; expected a multiple of 2MiB, as memory.hugepages is true"
                                        "; did you mean \"" +
                                        format_size(align_up(vm_.memory.size, kBlock)) + "\"?");
    }

    void check_regions()
    {
        for (std::size_t i = 0; i < vm_.memory.regions.size(); ++i) {
            const Region& region = vm_.memory.regions[i];
            const std::string path = region_path(i);
            check_label(i);
            if (is_sound(path + ".size") && is_sound(path + ".offset") && is_sound(path + ".file"))
                region.file ? check_file_region(region, path)
                            : check_anonymous_region(region, path);
        }
    }

    void check_label(std::size_t index)
    {
        const auto& all = vm_.memory.regions;
        const std::uint32_t label = all[index].label;
        const auto same = std::find_if(all.begin(), all.end(),
                                       [label](const Region& r) { return r.label == label; });
        const auto first = static_cast<std::size_t>(same - all.begin());
        if (first != index && is_sound(region_path(index) + ".label"))
            complain(region_path(index) + ".label", "got " + std::to_string(label) +
                                                        "; expected a number of its own (" +
                                                        region_path(first) + " has this one)");
    }

    void check_file_region(const Region& region, const std::string& path)
    {
        const auto file = file_size(*region.file);
        if (source_.files != Files::Check || !file)
            return;
        const std::uint64_t held = align_up(*file, kPage);
        if (region.offset >= held)
            complain(path + ".offset", "got " + format_size(region.offset) +
                                           "; expected less than the " + std::to_string(*file) +
                                           " bytes of " + in_quotes(*region.file));
        else if (region.size > held - region.offset)
            complain(path + ".size", "got " + format_size(region.size) + "; expected at most the " +
                                         format_size(held - region.offset) + " that " +
                                         in_quotes(*region.file) + " holds there");
    }

    void check_anonymous_region(const Region& region, const std::string& path)
    {
        if (region.size == 0)
            complain(path + ".size", "got nothing; expected a size, or a file that has one");
        if (region.offset != 0)
            complain(path + ".offset", "got " + format_size(region.offset) +
                                           "; expected no offset in a region without file");
        if (region.copy_on_write)
            complain(path + ".copy_on_write", "got true; expected false in a region without file");
    }

    void check_kernel()
    {
        const auto& address = vm_.kernel.address;
        const Memory& memory = vm_.memory;
        if (address && is_sound("memory") && is_sound("kernel.address") &&
            (*address < memory.base || *address - memory.base >= memory.size))
            complain("kernel.address", "got " + format_address(*address) +
                                           "; expected an address within RAM at " +
                                           range_text({memory.base, memory.size, {}, {}}));
    }

    void check_params()
    {
        std::size_t length = 0;
        for (const auto& param : vm_.params)
            length += param.size() + 1;
        if (length > kCommandLine + 1 && is_sound("params"))
            complain("params", "got " + std::to_string(length - 1) +
                                   " characters in all; expected at most " +
                                   std::to_string(kCommandLine) + " (what an arm64 Linux takes)");
    }

    /// A line to the host and the path of its key.
    struct Line {
        const Serial* serial;
        std::string path;
    };

    [[nodiscard]] std::vector<Line> lines() const
    {
        std::vector<Line> all;
        for (std::size_t i = 0; i < vm_.serial.size(); ++i)
            all.push_back({&vm_.serial[i], "serial." + std::to_string(i)});
        for (std::size_t i = 0; i < vm_.console.size(); ++i)
            all.push_back({&vm_.console[i], "console." + std::to_string(i)});
        return all;
    }

    void check_lines()
    {
        const auto all = lines();
        for (auto line = all.begin(); line != all.end(); ++line) {
            if (!is_sound(line->path))
                continue;
            check_line(*line->serial, line->path);
            for (auto before = all.begin(); before != line; ++before)
                check_lines_differ(*line, *before);
        }
    }

    void check_line(const Serial& line, const std::string& path)
    {
        const bool needs_path = line.type == SerialType::File || line.type == SerialType::Socket;
        const bool takes_path = needs_path || line.type == SerialType::Pty;
        if (needs_path && line.path.empty())
            complain(path + ".path",
                     "got nothing; expected the path of the file or socket to make");
        if (!takes_path && !line.path.empty())
            complain(path + ".path", "got " + in_quotes(line.path) +
                                         "; expected no path for a line of type stdio or null");
        if (takes_path && !line.path.empty() && source_.files == Files::Check)
            check_output(line.path, path + ".path");
        if (line.name.find('/') != std::string::npos)
            complain(path + ".name", "got " + in_quotes(line.name) +
                                         "; expected a name without \"/\", as it names a file");
    }

    void check_lines_differ(const Line& line, const Line& before)
    {
        const Serial& serial = *line.serial;
        const Serial& other = *before.serial;
        if (serial.type == SerialType::Stdio && other.type == SerialType::Stdio)
            complain(line.path,
                     "got a second \"stdio\"; expected one line at most (" + before.path +
                         " has the terminal" +
                         (before.path == "serial.0" ? "; \"serial\": [] takes it away)" : ")"));
        else if (!serial.path.empty() && serial.path == other.path)
            complain(line.path + ".path", "got " + in_quotes(serial.path) +
                                              "; expected a path of its own (" + before.path +
                                              " has this one)");
        if (!serial.name.empty() && serial.name == other.name)
            complain(line.path + ".name", "got " + in_quotes(serial.name) +
                                              "; expected a name of its own (" + before.path +
                                              " has this one)");
    }

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

    void check_output(const std::string& file, const std::string& path)
    {
        const std::string folder = std::filesystem::path(file).parent_path().string();
        if (::access(folder.c_str(), W_OK | X_OK) != 0 && ::access(file.c_str(), W_OK) != 0)
            complain(path, "got " + in_quotes(file) +
                               "; expected a path in a folder that exists and "
                               "can be written to");
    }

    const Vm& vm_;
    const Node& root_;
    const Source& source_;
    Complaints& complaints_;
};

/// The first label from 0x100 on that no region claims.
std::uint32_t free_label(const std::vector<Region>& regions)
{
    std::uint32_t label = 0x100;
    const auto is_taken = [&label](const Region& region) { return region.label == label; };
    while (std::any_of(regions.begin(), regions.end(), is_taken))
        ++label;
    return label;
}

}  // namespace

void complete(Vm& vm, const Source& source)
{
    if (vm.name.empty())
        vm.name = std::filesystem::path(source.file).stem().string().substr(0, 79);
    for (std::size_t i = 0; i < vm.net.size(); ++i)
        complete_card(vm.net[i], vm.name, i);
    for (Folder& folder : vm.folders)
        if (folder.tag.empty() && !folder.path.empty())
            folder.tag = derived_tag(folder);
    if (!vm.rng)
        vm.rng = devices_reach(vm.memory) && vm.hypervisor.engine != Engine::Lockstep;
    for (Region& region : vm.memory.regions) {
        if (region.label == 0)
            region.label = free_label(vm.memory.regions);
        const auto file = region.file ? file_size(*region.file) : std::nullopt;
        if (region.size == 0 && file && *file > region.offset)
            region.size = align_up(*file - region.offset, kPage);
    }
}

void check_rules(const Vm& vm, const Node& root, const Source& source, Complaints& complaints)
{
    Rules{vm, root, source, complaints}.check();
}

}  // namespace gh::config
