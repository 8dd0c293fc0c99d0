// SPDX-License-Identifier: BSD-3-Clause
#include "config/rules.h"

#include "temporary_folder.h"
#include "text.h"

#include <doctest/doctest.h>

namespace {

constexpr const char* kNone = "0 complaints";

std::string memory_complaint(const std::string& members)
{
    return complaint_of(R"("memory": {)" + members + "}");
}

std::string region_complaint(const std::string& region)
{
    return memory_complaint(R"("size": "256MiB", "regions": [)" + region + "]");
}

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("memory that overlaps is told with both ranges")
{
    CHECK(region_complaint(R"({"address": "0x8ffff000", "size": "8KiB"})") ==
          "vm.json:1:58: memory.regions.0: got 0x8ffff000-0x90000fff; expected a range that does "
          "not overlap RAM at 0x80000000-0x8fffffff");
    CHECK(region_complaint(R"({"address": "0x90000000", "size": "8KiB"})") == kNone);
    CHECK(contains(region_complaint(R"({"address": "0x50000000", "size": "8KiB"},
                                       {"address": "0x50001000", "size": "4KiB"})"),
                   "memory.regions.1: got 0x50001000-0x50001fff; expected a range that does not "
                   "overlap memory.regions.0"));
}

TEST_CASE("the bounce buffer lies behind RAM, and nothing else there")
{
    CHECK(contains(memory_complaint(R"("size": "256MiB", "swiotlb": "2MiB",
                       "regions": [{"address": "0x90000000", "size": "4KiB"}])"),
                   "overlap the bounce buffer (memory.swiotlb) behind RAM at 0x90000000-"));
    CHECK(memory_complaint(R"("size": "256MiB", "swiotlb": "2MiB",
              "regions": [{"address": "0x90200000", "size": "4KiB"}])") == kNone);
}

TEST_CASE("memory ends within the 36 bits of guest addresses")
{
    CHECK(memory_complaint(R"("base": "0xff0000000", "size": "256MiB")") == kNone);
    CHECK(contains(memory_complaint(R"("base": "0xff0000000", "size": "258MiB")"), "36 bits"));
    CHECK(
        contains(memory_complaint(R"("base": "0xff0000000", "size": "256MiB", "swiotlb": 2097152)"),
                 "memory.swiotlb: got 0x1000000000-0x10001fffff; expected an end below"));
}

TEST_CASE("devices, the info page and what is no page are no memory")
{
    CHECK(contains(memory_complaint(R"("base": "0x40000000")"), "from 0x40200000"));
    CHECK(memory_complaint(R"("base": "0x40200000")") == kNone);
    CHECK(contains(region_complaint(R"({"address": "0x40000000", "size": 4096})"), "info page"));
    CHECK(region_complaint(R"({"address": "0x40001000", "size": 4096})") == kNone);
    CHECK(
        contains(region_complaint(R"({"address": "0x50000800", "size": 4096})"), "steps of 4KiB"));
    CHECK(
        contains(region_complaint(R"({"address": "0x50000000", "size": 5000})"), "mean \"8KiB\""));
}

TEST_CASE("huge pages want whole ones")
{
    CHECK(contains(memory_complaint(R"("size": "3MiB", "hugepages": true)"), "mean \"4MiB\"?"));
    CHECK(memory_complaint(R"("size": "4MiB", "hugepages": true)") == kNone);
}

TEST_CASE("lock step is for one vCPU")
{
    const std::string lockstep = R"("hypervisor": {"engine": "lockstep"}, "cpus": )";
    CHECK(contains(complaint_of(lockstep + "2"),
                   "cpus: got 2; expected 1, as hypervisor.engine is lockstep"));
    CHECK(complaint_of(lockstep + "1") == kNone);
}

TEST_CASE("labels differ")
{
    CHECK(contains(region_complaint(R"({"label": 3, "address": "0x50000000", "size": "4KiB"},
                                       {"label": 3, "address": "0x60000000", "size": "4KiB"})"),
                   "memory.regions.1.label: got 3; expected a number of its own"));
}

TEST_CASE("a region without file has a size and nothing of a file")
{
    CHECK(
        contains(region_complaint(R"({"address": "0x50000000"})"), "regions.0.size: got nothing"));
    CHECK(contains(region_complaint(R"({"address": "0x50000000", "size": 4096, "offset": 4096})"),
                   "expected no offset in a region without file"));
    CHECK(contains(
        region_complaint(R"({"address": "0x50000000", "size": 4096, "copy_on_write": true})"),
        "expected false in a region without file"));
}

TEST_CASE("a region is not longer than its file")
{
    const TemporaryFolder folder;
    folder.write("k", std::string(5000, 'x'));
    const auto lines = [&](const std::string& region) {
        const auto file = folder.write(
            "a.json", R"({"kernel": "k", "memory": {"regions": [{"address": "0x50000000",
                         "file": "k", )" +
                          region + "}]}}");
        try {
            (void)gh::config::load(file);
            return std::string(kNone);
        } catch (const gh::config::ConfigError& error) {
            return std::string(error.what());
        }
    };
    CHECK(lines(R"("size": "8KiB")") == kNone);
    CHECK(contains(lines(R"("size": "12KiB")"),
                   "regions.0.size: got 12KiB; expected at most the 8K"));
    CHECK(contains(lines(R"("offset": "8KiB")"), "expected less than the 5000 bytes of"));
}

TEST_CASE("a flat image lies in RAM")
{
    const auto at = [](const std::string& address) {
        return complaints_of(R"({"kernel": {"path": "k", "address": ")" + address + "\"}}").size();
    };
    CHECK(at("0x80000000") == 0);
    CHECK(at("0x9ffff000") == 0);
    CHECK(at("0xa0000000") == 1);
    CHECK(at("0x7ffff000") == 1);
}

TEST_CASE("the command line is not longer than Linux takes")
{
    const auto params = [](std::size_t length) {
        return R"("params": ["a", ")" + std::string(length - 2, 'x') + "\"]";
    };
    CHECK(complaint_of(params(2047)) == kNone);
    CHECK(contains(complaint_of(params(2048)), "params: got 2048 characters in all"));
}

TEST_CASE("disks are images of their own, which can be written if they are to be")
{
    const auto complaint = [](const std::string& disks) {
        return complaint_of(R"("disks": )" + disks);
    };
    CHECK(complaint(R"(["a.img", "b.img"])") == kNone);
    CHECK(contains(complaint(R"(["a.img", "a.img"])"),
                   "disks.1.path: got \"/vm/a.img\"; expected an image of its own (disks.0"));
    CHECK(contains(complaint(R"(["a.img", {"path": "a.img", "readonly": true}])"), "disks.1.path"));
    CHECK(complaint(R"([{"path": "a", "readonly": true}, {"path": "a", "readonly": true}])") ==
          kNone);
    CHECK(complaint(R"(["a.img", {"path": "a.img", "lock": false}])") == kNone);
    CHECK(contains(complaint(R"([{"path": "a", "queues": 9}])"), "an integer from 1 to 8"));
    CHECK(contains(complaint(R"([{"path": "a", "serial": "a serial of 21 bytes!"}])"),
                   "virtio's limit"));
}

TEST_CASE("in lock step nothing writes memory but the vCPU")
{
    CHECK(contains(complaint_of(R"("disks": "a", "hypervisor": {"engine": "lockstep"})"),
                   "disks: got disks; expected none, as hypervisor.engine is lockstep"));
}

TEST_CASE("disks of a VM whose RAM is lent need a bounce buffer")
{
    CHECK(contains(complaint_of(R"("disks": "a", "memory": {"sharing": "lend"})"),
                   "disks: got disks, but no way for data"));
    CHECK(complaint_of(R"("disks": "a", "memory": {"sharing": "lend", "swiotlb": "2MiB"})") ==
          kNone);
}

TEST_CASE("ports of the console share no terminal, path or name with other lines")
{
    CHECK(contains(complaint_of(R"("console": "stdio")"),
                   "console.0: got a second \"stdio\"; expected one line at most (serial.0 has the "
                   "terminal; \"serial\": [] takes it away)"));
    CHECK(complaint_of(R"("console": "stdio", "serial": [])") == kNone);
    const auto console = [](const std::string& ports) {
        return complaint_of(R"("console": )" + ports);
    };
    CHECK(console(R"(["pty", {"type": "pty", "name": "a"}, {"type": "null", "name": "b"}])") ==
          kNone);
    CHECK(contains(console(R"([{"type": "pty", "name": "a"}, {"type": "pty", "name": "a"}])"),
                   "console.1.name: got \"a\"; expected a name of its own (console.0"));
    CHECK(contains(console(R"([{"type": "pty", "name": "a/b"}])"), "a name without \"/\""));
    CHECK(contains(console(R"(["file"])"), "console.0.path: got nothing"));
    CHECK(contains(complaint_of(R"("console": "pty", "memory": {"sharing": "lend"})"),
                   "console: got ports, but no way for data"));
}

TEST_CASE("sockets need a path, a CID that is not the host's, and a way for data")
{
    CHECK(complaint_of(R"("vsock": "v")") == kNone);
    CHECK(contains(complaint_of(R"("vsock": {"cid": 5})"), "vsock.path: got nothing"));
    CHECK(contains(complaint_of(R"("vsock": {"cid": 2, "path": "v"})"), "vsock.cid: got 2"));
    CHECK(contains(complaint_of(R"("vsock": "v", "memory": {"sharing": "lend"})"),
                   "vsock: got sockets, but no way for data"));
}

TEST_CASE("a folder has a place, and a tag of its own that the guest can read")
{
    const auto folders = [](const std::string& list) {
        return complaint_of(R"("folders": )" + list);
    };
    CHECK(folders(R"(["/a", {"path": "/b", "readonly": true}, {"tag": "x", "socket": "s"}])") ==
          kNone);
    CHECK(contains(folders(R"([{"tag": "x"}])"), "folders.0: expected a folder (\"path\"), or"));
    CHECK(contains(folders(R"([{"path": "/a", "socket": "s"}])"), "and not both"));
    CHECK(contains(folders(R"([{"socket": "s"}])"), "folders.0.tag: got \"\"; expected a text"));
    CHECK(contains(folders(R"(["/a", "/b/a"])"),
                   "folders.1.tag: got \"a\"; expected a tag of its own (folders.0"));
    CHECK(contains(folders(R"([{"tag": "x", "socket": "s"}, {"tag": "y", "socket": "s"}])"),
                   "folders.1.socket: got"));
    CHECK(contains(folders(R"([{"tag": "x", "socket": "s", "readonly": true}])"),
                   "folders.0.readonly: got true"));
    CHECK(contains(folders("[\"/" + std::string(37, 'a') + "\"]"), "expected a text of 1 to 36"));
    CHECK(contains(complaint_of(R"("folders": "/a", "memory": {"sharing": "lend"})"),
                   "folders: got folders, but no way for data"));
    CHECK(complaint_of(R"("folders": "/a", "memory": {"sharing": "lend", "swiotlb": "2MiB"})") ==
          kNone);
}

TEST_CASE("a folder's server takes eight regions of memory")
{
    const auto with_regions = [](unsigned count, const std::string& more) {
        std::string regions;
        for (unsigned i = 0; i < count; ++i)
            regions += (i == 0 ? "" : ", ") + std::string(R"({"address": "0x5000)") +
                       std::to_string(i) + R"(000", "size": "4KiB")" + more + "}";
        return complaint_of(R"("folders": "/a", "memory": {"regions": [)" + regions + "]}");
    };
    CHECK(with_regions(7, "") == kNone);
    CHECK(contains(with_regions(8, ""), "folders: got folders, and 9 regions of memory"));
    CHECK(with_regions(8, R"(, "access": "r")") == kNone);
    CHECK(with_regions(8, R"(, "sharing": "lend")") == kNone);
}

TEST_CASE("a folder must be there")
{
    const TemporaryFolder here;
    here.write("file", "x");
    const auto said = [&here](const std::string& path) {
        const auto file = here.write("a.json", R"({"kernel": "file", "folders": ")" + path + "\"}");
        try {
            (void)gh::config::load(file);
        } catch (const gh::Error& error) {
            return std::string(error.what());
        }
        return std::string("nothing");
    };
    CHECK(said(".") == "nothing");
    CHECK(contains(said("none"), "expected a folder that exists"));
    CHECK(contains(said("file"), "expected a folder ("));
}

TEST_CASE("a balloon holds less than the guest's RAM, which the host must have")
{
    CHECK(complaint_of(R"("balloon": true)") == kNone);
    CHECK(complaint_of(R"("balloon": false, "memory": {"sharing": "lend"})") == kNone);
    CHECK(contains(complaint_of(R"("balloon": {"size": "1GiB"}, "memory": "1GiB")"),
                   "balloon.size: got 1GiB; expected less than the guest's RAM"));
    CHECK(contains(
        complaint_of(R"("balloon": true, "memory": {"sharing": "lend", "swiotlb": "2MiB"})"),
        "balloon: got a balloon; expected none, as RAM is lent"));
}

TEST_CASE("random numbers come where they have a way, and are refused elsewhere if asked for")
{
    const auto rng = [](const std::string& members) {
        return parse_text(R"({"kernel": "k")" + members + "}").rng;
    };
    CHECK(rng("") == true);
    CHECK(rng(R"(, "rng": false)") == false);
    CHECK(rng(R"(, "memory": {"sharing": "lend"})") == false);
    CHECK(rng(R"(, "memory": {"sharing": "lend", "swiotlb": "2MiB"})") == true);
    CHECK(rng(R"(, "hypervisor": {"engine": "lockstep"})") == false);
    CHECK(contains(complaint_of(R"("rng": true, "memory": {"sharing": "lend"})"),
                   "rng: got true, but no way for data"));
    CHECK(contains(complaint_of(R"("rng": true, "hypervisor": {"engine": "lockstep"})"),
                   "rng: got true; expected none"));
}

TEST_CASE("serial lines fit their types")
{
    CHECK(contains(complaint_of(R"("serial": ["file"])"), "serial.0.path: got nothing"));
    CHECK(contains(complaint_of(R"("serial": {"type": "null", "path": "x"})"), "expected no path"));
    CHECK(contains(complaint_of(R"("serial": ["stdio", "null", "stdio"])"),
                   "serial.2: got a second \"stdio\""));
    CHECK(contains(complaint_of(R"("serial": ["pty", "pty", "null", "null", "null"])"),
                   "expected a list of at most 4 values"));
    CHECK(contains(complaint_of(R"("serial": [{"type": "file", "path": "x"},
                                              {"type": "socket", "path": "x"}])"),
                   "serial.1.path: got \"/vm/x\"; expected a path of its own"));
    CHECK(complaint_of(R"("serial": ["pty", "pty", "null", "null"])") == kNone);
}

TEST_CASE("one wrong value does not draw further complaints after it")
{
    CHECK(contains(memory_complaint(R"("size": "1X", "regions": [
                       {"address": "0x80000000", "size": "4KiB"}])"),
                   "memory.size"));
}

TEST_CASE("processors are lists as the kernel writes them, one for all vCPUs or one for each")
{
    CHECK(complaint_of(R"("cpus": {"count": 2, "affinity": "0-3,6"})") == kNone);
    CHECK(complaint_of(R"("cpus": {"count": 2, "affinity": ["0", "1"]})") == kNone);
    CHECK(contains(complaint_of(R"("cpus": {"count": 3, "affinity": ["0", "1"]})"),
                   "cpus.affinity: got 2 values; expected one, or one for each of the 3 CPUs"));
    for (const auto* text : {"x", "0-", "3-1", "1,", "-1", "1024", "0 1"})
        CHECK_MESSAGE(
            contains(complaint_of(R"("cpus": {"affinity": ")" + std::string(text) + "\"}"),
                     "cpus.affinity.0: got"),
            text);
}

TEST_CASE("a boot time-out needs to know what ready means, and a line to hear it on")
{
    CHECK(contains(complaint_of(R"("boot": {"timeout": "60s"})"), "boot.timeout: got a time-out"));
    CHECK(complaint_of(R"("boot": {"timeout": "60s", "ready": "login:"})") == kNone);
    CHECK(contains(complaint_of(R"("boot": {"ready": "login:"}, "serial": [])"), "no serial line"));
    CHECK(
        contains(complaint_of(R"("boot": {"timeout": 60, "ready": "x"})"), "did you mean \"1m\"?"));
}

TEST_CASE("an ending's policy is a word or an object")
{
    CHECK(complaint_of(R"("on_crash": "restart")") == kNone);
    CHECK(complaint_of(R"("on_crash": {"action": "restart", "limit": 3, "backoff": "2s"})") ==
          kNone);
    CHECK(contains(complaint_of(R"("on_crash": "reboot")"), "expected \"exit\""));
    CHECK(contains(complaint_of(R"("on_reset": "exit")"), "did you mean \"on_reboot\"?"));
}

TEST_CASE("the two control sockets have a path each")
{
    CHECK(contains(complaint_of(R"("control": {"socket": "/tmp/a", "crosvm_socket": "/tmp/a"})"),
                   "control.crosvm_socket: got"));
    CHECK(complaint_of(R"("control": "/tmp/a")") == kNone);
    CHECK(complaint_of(R"("control": {"enabled": false})") == kNone);
}
