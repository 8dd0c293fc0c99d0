// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"
#include "base/fd.h"
#include "base/mapping.h"
#include "gunyah/file.h"
#include "gunyah/uapi.h"

#include <atomic>
#include <bit>
#include <mutex>
#include <optional>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

namespace gh::gunyah {
namespace {

// The signal that brings a thread out of VCPU_RUN. Its handler does nothing: arriving is enough.
int kick_signal()
{
    return SIGRTMIN;
}

// Without SA_RESTART: restarted by the kernel, VCPU_RUN would swallow the exit that it had just
// produced (gunyah-uapi.md 2.7, step 8).
void install_kick_handler()
{
    static const bool installed = [] {
        struct sigaction action {};
        action.sa_handler = [](int) {};
        return ::sigaction(kick_signal(), &action, nullptr) == 0;
    }();
    GH_CHECK(installed);
}

class KernelFile final : public File {
public:
    explicit KernelFile(Fd fd) : fd_(std::move(fd)) {}

    Reply ioctl(std::uint32_t request, std::uintptr_t argument) noexcept override;
    std::byte* map_run_page(std::size_t size) override;
    void interrupt() noexcept override;
    void forget_interrupt() noexcept override { set_immediate_exit(0); }

private:
    Reply run() noexcept;
    void set_immediate_exit(std::uint8_t value) noexcept;

    Fd fd_;
    Mapping page_;  // unmapped before fd_ closes: a mapping, too, keeps the VM alive
    std::atomic<std::uint8_t*> immediate_exit_{nullptr};
    std::mutex mutex_;
    std::optional<pthread_t> runner_;  // guarded by mutex_
};

bool makes_file(std::uint32_t request, std::uintptr_t argument)
{
    if (request == GH_VM_ADD_FUNCTION && argument != 0)
        return std::bit_cast<const gh_fn_desc*>(argument)->type == GH_FN_VCPU;
    return request == GH_CREATE_VM || request == GUNYAH_CREATE_GUEST_MEM;
}

Reply KernelFile::ioctl(std::uint32_t request, std::uintptr_t argument) noexcept
{
    if (request == GH_VCPU_RUN)
        return run();
    const int value = ::ioctl(fd_.get(), request, argument);
    if (value < 0)
        return {.error = errno, .value = 0, .file = nullptr};
    Reply reply{.error = 0, .value = value, .file = nullptr};
    if (makes_file(request, argument))
        reply.file = std::make_unique<KernelFile>(Fd{value});
    return reply;
}

// The thread is known before it enters the kernel, so a kick that comes too early for the signal
// still finds immediate_exit set. An EINTR uses the kick up.
Reply KernelFile::run() noexcept
{
    {
        const std::scoped_lock lock(mutex_);
        runner_ = ::pthread_self();
    }
    const int result = ::ioctl(fd_.get(), GH_VCPU_RUN, 0);
    const int error = result < 0 ? errno : 0;
    const std::scoped_lock lock(mutex_);
    runner_.reset();
    if (error == EINTR)
        set_immediate_exit(0);
    return {.error = error, .value = result, .file = nullptr};
}

std::byte* KernelFile::map_run_page(std::size_t size)
{
    if (page_.data() == nullptr) {
        page_ = Mapping("a vCPU's run page", size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get());
        static_assert(offsetof(gh_vcpu_run, immediate_exit) == 0);
        immediate_exit_ = std::bit_cast<std::uint8_t*>(page_.data());
    }
    return page_.data();
}

void KernelFile::set_immediate_exit(std::uint8_t value) noexcept
{
    if (std::uint8_t* const flag = immediate_exit_.load(); flag != nullptr)
        std::atomic_ref(*flag).store(value);
}

void KernelFile::interrupt() noexcept
{
    install_kick_handler();
    const std::scoped_lock lock(mutex_);
    set_immediate_exit(1);
    if (runner_)
        ::pthread_kill(*runner_, kick_signal());
}

std::string advice_for_open(int error)
{
    switch (error) {
    case ENOENT:
        return "; this machine has no Gunyah driver (or its Resource Manager did not answer at "
               "boot). Set hypervisor.device to \"emulated\" or \"auto\"";
    case EACCES:
    case EPERM:
        return "; run gh-vmm as root, or as a user that may open the device (on Android: not from "
               "an app's sandbox)";
    default: return "";
    }
}

}  // namespace

std::unique_ptr<File> open_kernel_device(const char* path)
{
    install_kick_handler();
    Fd fd{::open(path, O_RDWR | O_CLOEXEC)};
    if (!fd) {
        const int error = errno;
        throw NoSuchDevice("open " + std::string(path) + ": " + errno_text(error) +
                           advice_for_open(error));
    }
    return std::make_unique<KernelFile>(std::move(fd));
}

}  // namespace gh::gunyah
