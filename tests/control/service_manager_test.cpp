// SPDX-License-Identifier: BSD-3-Clause
#include "control/service_manager.h"

#include "runtime_folder.h"

#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace gh::control {
namespace {

/// What systemd is to a service: a datagram socket that the environment names.
struct Manager : RuntimeFolder {
    Manager()
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = folder() + "/notify";
        std::memcpy(&address.sun_path[0], path.c_str(), path.size());
        REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    }
    ~Manager()
    {
        for (const auto* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
            ::unsetenv(name);
    }
    std::string heard()
    {
        std::array<char, 128> text{};
        const auto size = ::recv(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
        return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }
    Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

}  // namespace

TEST_CASE_FIXTURE(Manager, "the manager hears what it is told")
{
    ServiceManager().tell("READY=1");
    CHECK(heard() == "READY=1");
}

TEST_CASE_FIXTURE(Manager, "a manager that has gone, or never was, is no trouble")
{
    ::unsetenv("NOTIFY_SOCKET");
    ServiceManager().tell("READY=1");
    ::setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
    ServiceManager().tell("READY=1");
    ::setenv("NOTIFY_SOCKET", std::string(300, '/').c_str(), 1);
    ServiceManager().tell("READY=1");
    CHECK(heard().empty());
}

TEST_CASE_FIXTURE(Manager, "a watchdog is fed twice in its period, if it is ours")
{
    CHECK_FALSE(ServiceManager().watchdog_period());
    ::setenv("WATCHDOG_USEC", "3000000", 1);
    CHECK(ServiceManager().watchdog_period() == std::chrono::milliseconds(1500));
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    CHECK(ServiceManager().watchdog_period());
    ::setenv("WATCHDOG_PID", "1", 1);
    CHECK_FALSE(ServiceManager().watchdog_period());
    ::setenv("WATCHDOG_USEC", "soon", 1);
    CHECK_FALSE(ServiceManager().watchdog_period());
}

}  // namespace gh::control
