// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/host.h"

#include "base/error.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace gh::gunyah {
namespace {

constexpr std::uint64_t kSmallGuest = 256ull << 20;  // what a Linux guest wants at least

std::string read_text(const std::string& path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

/// The number after `name` at the beginning of a line, such as "MemTotal:" in /proc/meminfo.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view name)
{
    const auto at = text.find(name);
    if (at == std::string_view::npos)
        return std::nullopt;
    auto rest = text.substr(at + name.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return error == std::errc{} ? std::optional(value) : std::nullopt;
}

/// The group's own limit and those of all above it hold (cgroup-v2.rst).
std::optional<std::uint64_t> tightest_cgroup(const std::string& root)
{
    const std::string groups = read_text(root + "/proc/self/cgroup");
    const auto at = groups.find("0::/");
    if (at == std::string::npos)
        return std::nullopt;
    const std::string mount = root + "/sys/fs/cgroup";
    std::string group = groups.substr(at + 3, groups.find('\n', at) - at - 3);
    std::optional<std::uint64_t> tightest;
    for (; !group.empty(); group.erase(group.rfind('/'))) {
        std::string file = mount;
        file.append(group).append("/memory.max");
        const auto limit = number_after(read_text(file), "");
        if (limit && (!tightest || *limit < *tightest))
            tightest = limit;
    }
    return tightest;
}

/// The word in brackets: "always [madvise] never".
std::string chosen(const std::string& text)
{
    const auto open = text.find('[');
    const auto close = text.find(']');
    return open < close && close != std::string::npos ? text.substr(open + 1, close - open - 1)
                                                      : "";
}

std::string mebibytes(std::uint64_t bytes)
{
    return std::to_string(bytes >> 20) + " MiB";
}

bool has_line(std::string_view text, std::string_view line)
{
    return ("\n" + std::string(text)).find("\n" + std::string(line) + "\n") != std::string::npos;
}

Obstacle missing_driver(const std::string& path, const Host& host, std::string_view config)
{
    const std::string what = path + " is not there: ";
    if (host.vendor_node)
        return {true,
                what +
                    "this kernel has the vendor's older driver alone (/dev/qgunyah), which "
                    "starts only images that the maker of the phone signed",
                "use a kernel of android14-6.1 or later, or the emulated device"};
    if (has_line(config, "CONFIG_GUNYAH=y"))
        return {true,
                what + "the kernel has the driver (CONFIG_GUNYAH=y), but found no Gunyah at boot",
                "look for \"gunyah\" in dmesg; a phone whose hypervisor is another (pKVM, the "
                "vendor's own) has none. The emulated device works anywhere"};
    if (has_line(config, "CONFIG_GUNYAH=m"))
        return {true, what + "the driver is a module that is not loaded",
                "modprobe gunyah gunyah_vcpu gunyah_irqfd gunyah_ioeventfd"};
    if (!config.empty())
        return {
            true, what + "the kernel " + host.kernel + " was built without CONFIG_GUNYAH",
            "use a kernel with it (android14-6.1 or later of a Qualcomm phone), or the emulated "
            "device"};
    return {true,
            what + "this kernel (" + host.kernel +
                ") has no Gunyah driver, or it is not "
                "loaded, or found no Gunyah at boot",
            "on a phone look for \"gunyah\" in dmesg; elsewhere use the emulated device"};
}

}  // namespace

Host read_host(const std::string& root)
{
    Host host;
    utsname name{};
    if (::uname(&name) == 0)
        host.kernel = name.release;
    host.page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::string memory = read_text(root + "/proc/meminfo");
    host.memory = number_after(memory, "MemTotal:").value_or(0) << 10;
    host.available = number_after(memory, "MemAvailable:").value_or(0) << 10;
    host.cgroup_limit = tightest_cgroup(root);
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_max != RLIM_INFINITY)
        host.memlock = limit.rlim_max;
    host.huge_pages = chosen(read_text(root + "/sys/kernel/mm/transparent_hugepage/enabled"));
    host.selinux_enforcing = read_text(root + "/sys/fs/selinux/enforce").starts_with("1");
    host.vendor_node = ::access((root + "/dev/qgunyah").c_str(), F_OK) == 0;
    host.privileged = ::geteuid() == 0;
    return host;
}

std::vector<Obstacle> limits_of(const Host& host, const Abi* abi)
{
    std::vector<Obstacle> limits;
    if (abi != nullptr && abi->memlock_accounted && host.memlock && !host.privileged)
        limits.push_back({false,
                          "guest memory is locked, and RLIMIT_MEMLOCK lets this user lock " +
                              mebibytes(*host.memlock) + " at most",
                          "run gh-vmm as root, or raise memlock in /etc/security/limits.conf"});
    if (host.cgroup_limit && *host.cgroup_limit < host.memory)
        limits.push_back({false,
                          "this process's memory cgroup ends at " + mebibytes(*host.cgroup_limit) +
                              ", guest memory included",
                          "raise memory.max of the group, or run gh-vmm outside of it"});
    if (host.available != 0 && host.available < kSmallGuest)
        limits.push_back({false, "only " + mebibytes(host.available) + " of memory are free",
                          "end other programs"});
    if (abi != nullptr && abi->page_faults && host.huge_pages == "never")
        limits.push_back({false,
                          "transparent huge pages are off: the kernel gives the guest its memory "
                          "in single pages, which is slow and may fail under pressure",
                          "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"});
    if (host.page_size != 4096)
        limits.push_back({false,
                          "the host's pages are " + std::to_string(host.page_size >> 10) +
                              " KiB: sizes and addresses of guest memory must be multiples of that",
                          "choose memory sizes accordingly"});
    return limits;
}

Obstacle no_device(const std::string& path, int error, const Host& host,
                   std::string_view kernel_config)
{
    switch (error) {
    case ENOENT: return missing_driver(path, host, kernel_config);
    case EACCES:
    case EPERM:
        if (host.privileged || host.selinux_enforcing)
            return {true,
                    path + " may not be opened (" + errno_text(error) + "), " +
                        (host.selinux_enforcing ? "probably by SELinux, which is enforcing"
                                                : "though this is root"),
                    "run gh-vmm in root's own shell (adb root, su), not from an app's sandbox; "
                    "dmesg shows \"avc: denied\" where it was SELinux"};
        return {true, path + " may not be opened (" + errno_text(error) + ")",
                "run gh-vmm as root, or as a user that may open the device (ls -l " + path + ")"};
    default: return {true, "open " + path + ": " + errno_text(error), ""};
    }
}

}  // namespace gh::gunyah
