// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/host.h"

#include "../config/temporary_folder.h"

#include <cerrno>
#include <filesystem>

#include <doctest/doctest.h>

namespace gh::gunyah {
namespace {

/// A system's files in a folder.
struct HostFixture {
    void file(const std::string& name, const std::string& text)
    {
        std::filesystem::create_directories(
            std::filesystem::path(folder.path() + name).parent_path());
        folder.write(name.substr(1), text);
    }
    [[nodiscard]] Host read() const { return read_host(folder.path()); }
    static std::string limit(const Host& host, Generation generation)
    {
        const auto limits = limits_of(host, &abi_of(generation));
        return limits.size() == 1 && !limits[0].fatal ? limits[0].what : "";
    }

    TemporaryFolder folder;
    const Host good{.kernel = "6.6",
                    .page_size = 4096,
                    .memory = 8ull << 30,
                    .available = 4ull << 30,
                    .cgroup_limit = std::nullopt,
                    .memlock = std::nullopt,
                    .huge_pages = "madvise",
                    .selinux_enforcing = false,
                    .vendor_node = false,
                    .privileged = false};
};

}  // namespace

TEST_CASE_FIXTURE(HostFixture, "a host is read from the files of its kernel")
{
    file("/proc/meminfo", "MemTotal:       8000 kB\nMemAvailable:   1000 kB\n");
    file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    file("/sys/fs/selinux/enforce", "1");
    const Host host = read();
    CHECK(host.memory == 8000 << 10);
    CHECK(host.available == 1000 << 10);
    CHECK(host.huge_pages == "madvise");
    CHECK(host.selinux_enforcing);
    CHECK_FALSE(host.vendor_node);
    CHECK_FALSE(host.cgroup_limit);
}

TEST_CASE_FIXTURE(HostFixture, "of the memory cgroups above a process the tightest counts")
{
    file("/proc/self/cgroup", "0::/app/vm\n");
    file("/sys/fs/cgroup/app/memory.max", "1000000\n");
    file("/sys/fs/cgroup/app/vm/memory.max", "max\n");
    CHECK(read().cgroup_limit == 1000000);
    file("/sys/fs/cgroup/app/vm/memory.max", "500000\n");
    CHECK(read().cgroup_limit == 500000);
}

TEST_CASE_FIXTURE(HostFixture, "files that are missing or odd leave a host unknown")
{
    file("/proc/meminfo", "MemTotal: many\n");
    file("/proc/self/cgroup", "0::");
    file("/sys/kernel/mm/transparent_hugepage/enabled", "] [\n");
    const Host host = read();
    CHECK(host.memory == 0);
    CHECK(host.huge_pages.empty());
    CHECK_FALSE(host.cgroup_limit);
}

TEST_CASE_FIXTURE(HostFixture, "nothing limits a good host")
{
    CHECK(limits_of(good, &abi_of(Generation::Android15)).empty());
    CHECK(limits_of(good, nullptr).empty());
}

TEST_CASE_FIXTURE(HostFixture,
                  "locked memory is a limit where the kernel counts it and we are not root")
{
    Host host = good;
    host.memlock = 8 << 20;
    CHECK(limit(host, Generation::Android14).find("lock 8 MiB at most") != std::string::npos);
    CHECK(limits_of(host, &abi_of(Generation::V15)).empty());
    CHECK(limits_of(host, nullptr).empty());
    host.privileged = true;
    CHECK(limits_of(host, &abi_of(Generation::Android14)).empty());
}

TEST_CASE_FIXTURE(HostFixture,
                  "cgroups, memory, huge pages and page size are limits, with a remedy")
{
    Host host = good;
    host.cgroup_limit = 512ull << 20;
    host.available = 100ull << 20;
    host.huge_pages = "never";
    host.page_size = 16384;
    const auto limits = limits_of(host, &abi_of(Generation::Android15));
    CHECK(limits.size() == 4);
    for (const Obstacle& it : limits)
        CHECK((!it.fatal && !it.remedy.empty()));
    host = good;
    host.huge_pages = "never";
    CHECK(limits_of(host, &abi_of(Generation::Android14)).empty());
}

TEST_CASE_FIXTURE(HostFixture, "a missing device is explained by the kernel's configuration")
{
    const auto why = [&](const char* config) {
        return no_device("/dev/gunyah", ENOENT, good, config);
    };
    CHECK(why("CONFIG_GUNYAH=y\n").what.find("found no Gunyah at boot") != std::string::npos);
    CHECK(why("A=y\nCONFIG_GUNYAH=m\n").remedy.find("modprobe gunyah") == 0);
    CHECK(why("# CONFIG_GUNYAH is not set\n").what.find("without CONFIG_GUNYAH") !=
          std::string::npos);
    CHECK(why("").what.find("has no Gunyah driver, or") != std::string::npos);
    Host vendor = good;
    vendor.vendor_node = true;
    CHECK(no_device("/dev/gunyah", ENOENT, vendor, "").what.find("/dev/qgunyah") !=
          std::string::npos);
}

TEST_CASE_FIXTURE(HostFixture, "a device that may not be opened: the user's rights, or SELinux")
{
    CHECK(no_device("/d", EACCES, good, "").remedy.find("ls -l /d") != std::string::npos);
    Host phone = good;
    phone.privileged = phone.selinux_enforcing = true;
    CHECK(no_device("/d", EACCES, phone, "").what.find("SELinux") != std::string::npos);
    CHECK(no_device("/d", EBUSY, good, "").fatal);
}

}  // namespace gh::gunyah
