// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/abi.h"
#include "gunyah/exit.h"
#include "gunyah/file.h"

#include <atomic>
#include <memory>

namespace gh::gunyah {

/// A vCPU of a VM: runs the guest in the calling thread until it needs an answer.
class Vcpu {
public:
    /// `file` is what ADD_FUNCTION made. Throws Error if its run page cannot be mapped.
    Vcpu(std::unique_ptr<File> file, unsigned id);

    /// One thread at a time. A read must be answered by answer() before the next run. Throws Error
    /// if the kernel refuses to run it.
    [[nodiscard]] Exit run();

    /// The data of the read that run() reported last. Whoever calls interrupt() between this and
    /// run() loses it: the kernel drops the data (gunyah-uapi.md 2.7), so only stopping may.
    void answer(std::uint64_t value) noexcept;

    /// Makes run() return Interrupted soon. Any thread.
    void interrupt() noexcept
    {
        interrupted_.store(true);
        file_->interrupt();
    }

    /// Takes an interrupt() back that no run has told of, so that it cannot cost an answer. In the
    /// thread that runs.
    void forget_interrupt() noexcept
    {
        interrupted_.store(false);
        file_->forget_interrupt();
    }

    [[nodiscard]] unsigned id() const noexcept { return id_; }

private:
    [[nodiscard]] Exit decode() const;

    std::unique_ptr<File> file_;
    unsigned id_;
    gh_vcpu_run* page_;
    std::atomic<bool> interrupted_{false};  // since run() last said so
};

}  // namespace gh::gunyah
