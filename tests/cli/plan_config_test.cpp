// SPDX-License-Identifier: BSD-3-Clause
#include "cli/plan_config.h"

#include "../config/temporary_folder.h"

#include <string>

#include <doctest/doctest.h>

namespace {

/// The head of an arm64 Image that occupies `image_size` bytes (booting.rst).
std::string image(std::uint64_t image_size)
{
    std::string bytes(4096, '\0');
    for (unsigned i = 0; i < 8; ++i)
        bytes[16 + i] = static_cast<char>(image_size >> (8 * i));
    bytes[24] = 0x0a;
    return bytes.replace(56, 4, "ARMd");  // "ARM\x64"
}

std::string complaint(const TemporaryFolder& folder, const std::string& config)
{
    const auto file = folder.write("vm.json", config);
    try {
        (void)gh::cli::plan_config(gh::config::Configuration::load(file));
        return "none";
    } catch (const gh::config::ConfigError& error) {
        return std::string(error.what()).substr(folder.path().size() + 1);
    }
}

}  // namespace

TEST_CASE("an image that fits makes a plan")
{
    const TemporaryFolder folder;
    folder.write("k", image(1 << 20));
    CHECK(complaint(folder, R"({"kernel": "k", "memory": "16MiB"})") == "none");
}

TEST_CASE("a file that is no kernel is a mistake at the kernel's place")
{
    const TemporaryFolder folder;
    folder.write("k", "#!/bin/sh\n");
    CHECK(complaint(folder, R"({"kernel": "k"})")
              .starts_with("vm.json:1:12: kernel: got \"k\"; expected a kernel that this VM can "));
}

TEST_CASE("an initrd without a byte is a mistake at the initrd's place")
{
    const TemporaryFolder folder;
    folder.write("k", image(1 << 20));
    folder.write("rd", "");
    const auto text = complaint(folder, R"({"kernel": "k", "initrd": "rd", "memory": "16MiB"})");
    CHECK(
        text.starts_with("vm.json:1:27: initrd: got \"rd\"; expected a file with something in it"));
}

TEST_CASE("a disk that no VM could have is a mistake at the disk's place")
{
    const TemporaryFolder folder;
    folder.write("k", image(1 << 20));
    folder.write("small", std::string(511, 'x'));
    CHECK(complaint(folder, R"({"kernel": "k", "disks": ["small"]})").find("disks.0.path: got") !=
          std::string::npos);
    CHECK(complaint(folder, R"({"kernel": "k", "disks": ["/dev/zero"]})")
              .find("expected a regular file or a block device") != std::string::npos);
    folder.write("image", "QFI\xfb" + std::string(65536, '\0'));
    CHECK(complaint(folder, R"({"kernel": "k", "disks": ["image"]})").find(" is qcow2; qemu-img") !=
          std::string::npos);
}

TEST_CASE("images that are too large for the memory are a mistake of the configuration")
{
    const TemporaryFolder folder;
    folder.write("k", image(64 << 20));
    CHECK(complaint(folder, R"({"kernel": "k", "memory": "16MiB"})").starts_with("vm.json:1:"));
    folder.write("k", image(1 << 20));
    folder.write("rd", std::string(15 << 20, 'x'));
    const auto text = complaint(folder, R"({"kernel": "k", "initrd": "rd", "memory": "16MiB"})");
    CHECK(text.starts_with("vm.json:1:43: memory: got \"16MiB\"; expected room for the images: "));
}

TEST_CASE("a base that is no devicetree is a mistake of the configuration")
{
    const TemporaryFolder folder;
    folder.write("k", image(1 << 20));
    folder.write("b", "no tree");
    CHECK(complaint(folder, R"({"kernel": "k", "dtb": "b"})")
              .starts_with("vm.json:1:24: dtb: got \"b\"; expected trees that can be used: "));
}
