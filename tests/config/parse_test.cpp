// SPDX-License-Identifier: BSD-3-Clause
#include "config/parse.h"

#include "temporary_folder.h"
#include "text.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

using namespace gh::config;

TEST_CASE("the minimal form fills in everything else")
{
    const Vm vm = parse_text(R"({"name": "tiny", "kernel": "Image", "initrd": "rd.gz",
                                 "params": ["console=ttyS0"], "cpus": 2, "memory": "1GiB"})");
    CHECK(vm.name == "tiny");
    CHECK(vm.kernel.path == "/vm/Image");
    CHECK(vm.initrd == "/vm/rd.gz");
    CHECK(vm.params == std::vector<std::string>{"console=ttyS0"});
    CHECK(vm.cpus.count == 2);
    CHECK(vm.memory.size == 1ull << 30);
    CHECK(vm.memory.base == 0x8000'0000);
    CHECK(vm.serial.size() == 1);
    CHECK(vm.hypervisor.device == DeviceChoice::Auto);
}

TEST_CASE("a balloon is a flag or has a size")
{
    const auto balloon = [](const std::string& value) {
        return parse_text(R"({"kernel": "k", "balloon": )" + value + "}").balloon.value();
    };
    CHECK(balloon("true").enabled);
    CHECK(!balloon("false").enabled);
    CHECK(balloon(R"({"size": "64MiB"})").enabled);
    CHECK(balloon(R"({"size": "64MiB"})").size == 64u << 20);
}

TEST_CASE("every key of the long form arrives")
{
    const Vm vm = parse_text(R"({
        "$schema": "gh-vmm.schema.json",
        "kernel": {"path": "/boot/flat", "address": "0x80200000"},
        "cpus": {"count": 8},
        "memory": {"size": "256MiB", "base": 2147483648, "sharing": "lend", "swiotlb": "8MiB",
                   "hugepages": true, "prefault": true, "file": "ram",
                   "regions": [{"label": 7, "address": "0xA0000000", "size": 8192, "file": "f",
                                "offset": "4KiB", "copy_on_write": true, "access": "rx",
                                "sharing": "lend"}]},
        "serial": [{"type": "pty", "path": "tty"}, "null", {"type": "file", "path": "/log"}],
        "disks": [{"path": "root.img", "readonly": true, "direct": true, "lock": false,
                   "serial": "root", "queues": 4, "io": "threads"}, "/dev/sda"],
        "console": ["stdio", {"type": "socket", "path": "agent", "name": "org.example.agent"}],
        "folders": [{"tag": "home", "path": "share", "readonly": true}, "/srv/data/",
                    {"tag": "other", "socket": "fs.sock"}],
        "vsock": {"cid": 77, "path": "v.sock"},
        "rng": false,
        "dtb": {"base": "base.dtb", "overlays": ["a", "/b"]},
        "hypervisor": {"device": "emulated", "path": "/dev/g", "personality": "android16",
                       "resource_manager": "production", "engine": "jit",
                       "code": "strict"},
        "sandbox": "on"})");
    CHECK(vm.name == "vm");
    CHECK(vm.kernel.address == 0x8020'0000);
    CHECK(vm.memory.sharing == Sharing::Lend);
    CHECK(vm.memory.swiotlb == 8ull << 20);
    CHECK(vm.memory.hugepages);
    CHECK(vm.memory.prefault);
    CHECK(vm.memory.file == "/vm/ram");
    const Region& region = vm.memory.regions.at(0);
    CHECK(region.label == 7);
    CHECK(region.address == 0xa000'0000);
    CHECK(region.size == 8192);
    CHECK(region.file == "/vm/f");
    CHECK(region.offset == 4096);
    CHECK(region.copy_on_write);
    CHECK((region.access.read && !region.access.write && region.access.execute));
    CHECK(region.sharing == Sharing::Lend);
    CHECK(vm.serial.at(0).type == SerialType::Pty);
    CHECK(vm.serial.at(0).path == "/vm/tty");
    CHECK(vm.serial.at(1).type == SerialType::Null);
    CHECK(vm.serial.at(2).path == "/log");
    const Disk& disk = vm.disks.at(0);
    CHECK(disk.path == "/vm/root.img");
    CHECK((disk.readonly && disk.direct && !disk.lock));
    CHECK(disk.serial == "root");
    CHECK(disk.queues == 4);
    CHECK(disk.io == DiskIo::Threads);
    CHECK(vm.disks.at(1).path == "/dev/sda");
    CHECK((!vm.disks.at(1).readonly && vm.disks.at(1).lock));
    CHECK(vm.console.at(0).type == SerialType::Stdio);
    CHECK(vm.console.at(1).path == "/vm/agent");
    CHECK(vm.console.at(1).name == "org.example.agent");
    const Folder& folder = vm.folders.at(0);
    CHECK(folder.tag == "home");
    CHECK(folder.path == "/vm/share");
    CHECK((folder.readonly && folder.socket.empty()));
    CHECK(vm.folders.at(1).path == "/srv/data/");
    CHECK(vm.folders.at(1).tag == "data");
    CHECK(!vm.folders.at(1).readonly);
    CHECK(vm.folders.at(2).socket == "/vm/fs.sock");
    CHECK(vm.vsock.value().cid == 77);
    CHECK(vm.vsock.value().path == "/vm/v.sock");
    CHECK(vm.rng == false);
    CHECK(vm.dtb.overlays == std::vector<std::string>{"/vm/a", "/b"});
    CHECK(vm.hypervisor.device == DeviceChoice::Emulated);
    CHECK(vm.hypervisor.path == "/dev/g");
    CHECK(vm.hypervisor.personality == "android16");
    CHECK(vm.hypervisor.resource_manager == ResourceManager::Production);
    CHECK(vm.hypervisor.engine == Engine::Jit);
    CHECK(vm.hypervisor.code == Code::Strict);
    CHECK(vm.sandbox == Sandbox::On);
}

TEST_CASE("short forms say the same as long ones")
{
    CHECK(parse_members(R"("serial": "null")").serial.at(0).type == SerialType::Null);
    CHECK(parse_members(R"("serial": {"type": "null"})").serial.at(0).type == SerialType::Null);
    CHECK(parse_members(R"("serial": [])").serial.empty());
    CHECK(parse_members(R"("params": "quiet")").params == std::vector<std::string>{"quiet"});
    CHECK(parse_members(R"("dtb": "b")").dtb.base == "/vm/b");
    CHECK(parse_members(R"("hypervisor": "kernel")").hypervisor.device == DeviceChoice::Kernel);
    CHECK(parse_members(R"("memory": 4194304)").memory.size == 4u << 20);
}

TEST_CASE("a region without label gets a free one")
{
    const Vm vm = parse_members(R"("memory": {"regions": [
        {"label": 256, "address": "0x50000000", "size": "4KiB"},
        {"address": "0x60000000", "size": "4KiB"}, {"address": "0x70000000", "size": "4KiB"}]})");
    CHECK(vm.memory.regions[1].label == 257);
    CHECK(vm.memory.regions[2].label == 258);
}

TEST_CASE("relative paths begin in the configuration's folder")
{
    const TemporaryFolder folder;
    folder.write("k", "x");
    const Vm vm = load(folder.write("a.json", R"({"kernel": "k"})"));
    CHECK(vm.kernel.path == folder.path() + "/k");
    CHECK(vm.name == "a");
}

TEST_CASE("a configuration and its files may be descriptors")
{
    const TemporaryFolder folder;
    const int kernel = ::open(folder.write("k", "x").c_str(), O_RDONLY | O_CLOEXEC);
    const std::string kernel_path = "/proc/self/fd/" + std::to_string(kernel);
    const auto file = folder.write("a.json", R"({"name": "n", "kernel": ")" + kernel_path + "\"}");
    const int config = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    const Vm vm = load("/proc/self/fd/" + std::to_string(config));
    CHECK(vm.kernel.path == kernel_path);
    ::close(kernel);
    ::close(config);
}

TEST_CASE("a region takes its size from its file")
{
    const TemporaryFolder folder;
    folder.write("k", "x");
    folder.write("data", std::string(5000, 'x'));
    const Vm vm = load(folder.write("a.json", R"({"kernel": "k", "memory": {"regions":
        [{"address": "0x50000000", "file": "data"}]}})"));
    CHECK(vm.memory.regions.at(0).size == 8192);
}

TEST_CASE("a configuration that cannot be read is its own complaint")
{
    CHECK_THROWS_WITH_AS((void)load("/nonexistent/a.json"),
                         "/nonexistent/a.json: got no configuration: No such file or directory",
                         ConfigError);
    CHECK_THROWS_AS((void)load("/dev/zero"), ConfigError);
    CHECK_THROWS_AS((void)load("/"), ConfigError);
}
