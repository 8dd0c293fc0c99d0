// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"
#include "base/fd.h"
#include "gunyah/file.h"
#include "gunyah/requests.h"

#include <array>
#include <atomic>
#include <cstdarg>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

// What the played VCPU_RUN looks at: the run page, and how often it was entered.
std::atomic<std::uint8_t>* g_immediate_exit = nullptr;
std::atomic<int> g_runs{0};

// As the driver does it: with signals held back, look at immediate_exit, then sleep until one.
int played_run()
{
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    ++g_runs;
    int result = -1;
    errno = EINTR;
    if (g_immediate_exit->load() == 0)
        result = ::ppoll(nullptr, 0, nullptr, &before);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return result;
}

}  // namespace

// This program's own ioctl(): the real one, with a VCPU_RUN that no kernel at hand has.
extern "C" int ioctl(int fd, unsigned long request, ...) noexcept
{
    std::va_list arguments;
    va_start(arguments, request);
    const unsigned long argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    if (request == gh::gunyah::GH_VCPU_RUN)
        return played_run();
    return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
}

namespace gh::gunyah {
namespace {

// A kernel file whose run page we see as the driver would.
struct Played {
    Played()
        : memory(make_memfd("run-page", 4096)),
          file(open_kernel_device(("/proc/self/fd/" + std::to_string(memory.get())).c_str()))
    {
        g_immediate_exit = std::bit_cast<std::atomic<std::uint8_t>*>(file->map_run_page(4096));
        g_runs = 0;
    }
    Fd memory;
    std::unique_ptr<File> file;
};

}  // namespace

TEST_CASE("a machine without the driver is told what to set")
{
    CHECK_THROWS_WITH_AS((void)open_kernel_device("/nonexistent/gunyah"),
                         doctest::Contains("Set hypervisor.device to \"emulated\""), NoSuchDevice);
}

TEST_CASE("a file that is no Gunyah device answers ENOTTY, not an exception")
{
    const auto file = open_kernel_device("/dev/null");
    CHECK(call(*file, kCreateVm).error == ENOTTY);
    file->interrupt();  // nobody runs: nothing happens
}

TEST_CASE("an interrupt brings a thread out of VCPU_RUN")
{
    const Played played;
    std::atomic<int> error{0};
    std::thread runner([&] { error = call(*played.file, kVcpuRun).error; });
    while (g_runs == 0)
        std::this_thread::yield();
    played.file->interrupt();
    runner.join();
    CHECK(error == EINTR);
    CHECK(*g_immediate_exit == 0);  // used up: the next run runs
}

TEST_CASE("an interrupt that comes before VCPU_RUN is remembered for one run")
{
    const Played played;
    played.file->interrupt();
    CHECK(call(*played.file, kVcpuRun).error == EINTR);
    CHECK(*g_immediate_exit == 0);
}

TEST_CASE("no interrupt is lost, whenever it comes")
{
    const Played played;
    for (int round = 0; round < 500; ++round) {
        std::atomic<bool> out{false};
        std::thread runner([&] {
            (void)call(*played.file, kVcpuRun);
            out = true;
        });
        played.file->interrupt();
        runner.join();  // would hang
        CHECK(out);
    }
}

}  // namespace gh::gunyah
