// SPDX-License-Identifier: BSD-3-Clause
#include "in_process.h"

#include "base/error.h"
#include "base/locked.h"
#include "emulator/driver/device.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <thread>

#include <sys/eventfd.h>

namespace {

constexpr std::string_view kDevice = "/dev/gunyah";
constexpr int kFirst = 1000;  // beyond any descriptor the kernel gives a probe

struct Files {
    std::map<int, std::shared_ptr<gh::gunyah::File>> open;
    std::set<const void*> pages;  // run pages: they live as long as their file
    int next = kFirst;
};

gh::Locked<Files>& files()
{
    static auto* const all = new gh::Locked<Files>;  // a guest's threads may outlive main
    return *all;
}

std::shared_ptr<gh::gunyah::File> find(int fd)
{
    return files().with([&](Files& all) {
        const auto it = all.open.find(fd);
        return it == all.open.end() ? nullptr : it->second;
    });
}

int add(std::unique_ptr<gh::gunyah::File> file)
{
    return files().with([&](Files& all) {
        all.open.emplace(all.next, std::move(file));
        return all.next++;
    });
}

int fail(int error)
{
    errno = error;
    return -1;
}

// In a kernel a signal ends VCPU_RUN by itself. Here its handler rings, and a thread tells the
// vCPUs, which no handler may.
int rang = -1;
void (*handler_of_probe)(int);

void ring(int number)
{
    const int error = errno;
    handler_of_probe(number);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(rang, &one, sizeof one);
    errno = error;
}

void interrupt_all()
{
    for (std::uint64_t count = 0; ::read(rang, &count, sizeof count) > 0;) {
        // Under the lock, keeping no reference: a VM's end belongs to the thread that closes it,
        // which looks at the memory that it lent right after.
        files().with([](Files& all) {
            for (const auto& [fd, file] : all.open)
                file->interrupt();
        });
    }
}

}  // namespace

int in_process_open(const char* path, int flags, int mode)
{
    if (path != kDevice)
        return ::open(path, flags, mode);
    try {
        gh::driver::DeviceOptions options;
        if (const char* const personality = std::getenv("GH_PERSONALITY"))
            options.personality = personality;
        return add(gh::driver::open_emulated_device(options));
    } catch (const gh::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return fail(ENODEV);
    }
}

int in_process_ioctl(int fd, unsigned long request, uintptr_t argument)
{
    const auto file = find(fd);
    if (!file)
        return ::ioctl(fd, request, argument);
    auto reply = file->ioctl(static_cast<std::uint32_t>(request), argument);
    if (reply.error != 0)
        return fail(reply.error);
    return reply.file ? add(std::move(reply.file)) : static_cast<int>(reply.value);
}

void* in_process_map(void* at, size_t size, int rights, int flags, int fd, long offset)
{
    const auto file = find(fd);
    if (!file)
        return ::mmap(at, size, rights, flags, fd, offset);
    void* const page = file->map_run_page(size);
    files().with([&](Files& all) { all.pages.insert(page); });
    return page;
}

int in_process_unmap(void* at, size_t size)
{
    const bool ours = files().with([&](Files& all) { return all.pages.erase(at) != 0; });
    return ours ? 0 : ::munmap(at, size);
}

int in_process_close(int fd)
{
    // The last reference goes outside the lock: closing a VM may wait for it.
    const auto closed = files().with([&](Files& all) { return all.open.extract(fd); });
    return closed ? 0 : ::close(fd);
}

int in_process_sigaction(int number, const struct sigaction* action, struct sigaction* old)
{
    if (rang < 0) {
        rang = ::eventfd(0, EFD_CLOEXEC);
        std::thread(interrupt_all).detach();
    }
    handler_of_probe = action->sa_handler;
    struct sigaction ours = *action;
    ours.sa_handler = ring;
    return ::sigaction(number, &ours, old);
}
