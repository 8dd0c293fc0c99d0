// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/truncation_guard.h"

#include "base/error.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

namespace gh::serve {
namespace {

// 63 VMs of 64 parcels each are all that a machine has.
constexpr std::size_t kSlots = 4096;

/// Read by a signal handler, so without locks; end is 0 where the slot is free.
struct Slot {
    std::atomic<std::uintptr_t> begin{0};
    std::atomic<std::uintptr_t> end{0};
};
std::array<Slot, kSlots> g_slots;
std::mutex g_mutex;  // of who fills and frees slots
std::uintptr_t g_page = 4096;

bool is_guarded(std::uintptr_t address)
{
    return std::ranges::any_of(g_slots, [address](const Slot& slot) {
        return address < slot.end.load(std::memory_order_acquire) &&
               address >= slot.begin.load(std::memory_order_acquire);
    });
}

/// Returns to the access, which then succeeds; or, where it is none of ours, fails as it would
/// have.
void on_bus_error(int, siginfo_t* info, void*)
{
    const int error = errno;
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    void* const page = reinterpret_cast<void*>(address & ~(g_page - 1));
    if (info->si_code != BUS_ADRERR || !is_guarded(address) ||
        ::mmap(page, g_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
               0) == MAP_FAILED)
        ::signal(SIGBUS, SIG_DFL);
    errno = error;
}

void install()
{
    g_page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace

TruncationGuard::TruncationGuard(std::span<std::byte> range)
{
    static std::once_flag once;
    std::call_once(once, install);
    const std::scoped_lock lock(g_mutex);
    for (slot_ = 0; slot_ < kSlots; ++slot_)
        if (g_slots[slot_].end == 0)
            break;
    if (slot_ == kSlots)
        throw Error("too many ranges of clients' files are guests' memory");
    const auto begin = reinterpret_cast<std::uintptr_t>(range.data());
    g_slots[slot_].begin.store(begin, std::memory_order_release);
    g_slots[slot_].end.store(begin + range.size(), std::memory_order_release);
}

TruncationGuard::~TruncationGuard()
{
    const std::scoped_lock lock(g_mutex);
    g_slots[slot_].end.store(0, std::memory_order_release);
}

}  // namespace gh::serve
