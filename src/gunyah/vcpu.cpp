// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/vcpu.h"

#include "base/error.h"
#include "gunyah/explain.h"
#include "gunyah/requests.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include <time.h>

namespace gh::gunyah {
namespace {

gh_vcpu_run* map_page(File& file)
{
    const Reply size = call(file, kVcpuMmapSize);
    if (size.error != 0)
        throw_refused(GH_VCPU_MMAP_SIZE, "", size.error);
    if (size.value < static_cast<long>(sizeof(gh_vcpu_run)))
        throw Error("GH_VCPU_MMAP_SIZE: a run page of " + std::to_string(size.value) +
                    " bytes is too small");
    return std::bit_cast<gh_vcpu_run*>(file.map_run_page(static_cast<std::size_t>(size.value)));
}

// Between two tries of a kernel that says EBUSY because it is taking the VM down.
void pause_briefly()
{
    const timespec millisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
    (void)::nanosleep(&millisecond, nullptr);
}

MmioExit decode_mmio(const gh_vcpu_run& page)
{
    const auto& mmio = page.mmio;
    MmioExit exit{.address = Gpa{mmio.phys_addr},
                  .size = mmio.len,
                  .is_write = mmio.is_write != 0,
                  .value = 0};
    if (exit.is_write)  // what lies beyond len is stale (golden run.mmio)
        std::memcpy(&exit.value, mmio.data.data(), std::min<std::size_t>(mmio.len, 8));
    return exit;
}

StatusExit decode_status(const gh_vcpu_run& page)
{
    const auto& info = page.status.exit_info;
    return {.status = page.status.status,
            .type = info.type,
            .reason_size = info.reason_size,
            .reason = info.reason};
}

}  // namespace

Vcpu::Vcpu(std::unique_ptr<File> file, unsigned id)
    : file_(std::move(file)), id_(id), page_(map_page(*file_))
{
}

// The kernel does not clear exit_reason, and a signal may end a run that had just produced an exit:
// the page then holds it and the kernel waits for its answer.
Exit Vcpu::run()
{
    for (;;) {
        page_->exit_reason = GH_VCPU_EXIT_UNKNOWN;
        const int error = call(*file_, kVcpuRun).error;
        if (error == EBUSY && !interrupted_.exchange(false)) {
            pause_briefly();
            continue;
        }
        if ((error == EINTR || error == EBUSY) && page_->exit_reason == GH_VCPU_EXIT_UNKNOWN) {
            interrupted_.store(false);
            return Interrupted{};
        }
        if (error != 0 && error != EINTR)
            throw_refused(GH_VCPU_RUN, "vCPU " + std::to_string(id_), error);
        return decode();
    }
}

Exit Vcpu::decode() const
{
    switch (page_->exit_reason) {
    case GH_VCPU_EXIT_MMIO: return decode_mmio(*page_);
    case GH_VCPU_EXIT_STATUS: return decode_status(*page_);
    case GH_VCPU_EXIT_PAGE_FAULT:
        return PageFaultExit{.address = Gpa{page_->page_fault.phys_addr},
                             .error = -page_->page_fault.attempt};
    default:
        throw Error("GH_VCPU_RUN for vCPU " + std::to_string(id_) + ": unknown exit reason " +
                    std::to_string(page_->exit_reason) + ": this kernel is newer than gh-vmm");
    }
}

void Vcpu::answer(std::uint64_t value) noexcept
{
    std::memcpy(page_->mmio.data.data(), &value, sizeof(value));
}

}  // namespace gh::gunyah
