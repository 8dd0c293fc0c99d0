// SPDX-License-Identifier: BSD-3-Clause
#include "control/place.h"

#include "base/error.h"
#include "runtime_folder.h"

#include <filesystem>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gh::control {

TEST_CASE_FIXTURE(RuntimeFolder, "sockets lie in a folder of their own, by the VM's name")
{
    CHECK(default_folder() == folder() + "/gh-vmm");
    CHECK(socket_of("web") == folder() + "/gh-vmm/web.sock");
    CHECK(socket_of("../x") == folder() + "/gh-vmm/.._x.sock");
    CHECK(find_socket("web") == socket_of("web"));
    CHECK(find_socket("./web") == "./web");
}

TEST_CASE_FIXTURE(RuntimeFolder, "the folder is for its owner alone, also one that was there")
{
    std::filesystem::create_directory(default_folder());
    ::chmod(default_folder().c_str(), 0777);
    make_private_folder(default_folder());
    struct stat status {};
    REQUIRE(::stat(default_folder().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
}

TEST_CASE_FIXTURE(RuntimeFolder, "a folder that somebody else could have laid there is refused")
{
    std::filesystem::create_symlink("/tmp", default_folder());
    CHECK_THROWS_WITH_AS(make_private_folder(default_folder()),
                         doctest::Contains("not a folder of this user"), Error);
}

TEST_CASE_FIXTURE(RuntimeFolder, "a claim is one process's, which another is told of")
{
    const std::string socket = folder() + "/s";
    {
        const Claim claim(socket);
        CHECK_THROWS_WITH_AS(Claim{socket},
                             doctest::Contains(("process " + std::to_string(::getpid())).c_str()),
                             Error);
    }
    CHECK_FALSE(std::filesystem::exists(socket + ".lock"));
    const Claim again(socket);
}

TEST_CASE_FIXTURE(RuntimeFolder, "what a killed process claimed is free")
{
    const std::string socket = folder() + "/s";
    const pid_t child = ::fork();
    if (child == 0) {
        const Claim claim(socket);
        (void)::raise(SIGKILL);
    }
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK(std::filesystem::exists(socket + ".lock"));
    const Claim claim(socket);
}

TEST_CASE_FIXTURE(RuntimeFolder, "sockets are found without a folder, and sorted")
{
    CHECK(all_sockets().empty());
    make_private_folder(default_folder());
    for (const auto* name : {"b.sock", "a.sock", "a.sock.lock", "notes"})
        (void)open_file(default_folder() + "/" + name, O_WRONLY | O_CREAT);
    CHECK(all_sockets() == std::vector{socket_of("a"), socket_of("b")});
}

}  // namespace gh::control
