// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "emulator/hyp/profile.h"
#include "machine/perf_map.h"
#include "machine/symbols.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gh::machine {

struct ProfileOptions {
    std::string file = "-";              // where the report goes; "-": stderr
    std::optional<std::string> symbols;  // the guest kernel's, see Symbols
};

/// `gh-vmm run --profile`: names host code for perf while the guest runs, and reports in the end.
class Profile final : public hyp::Profiler {
public:
    /// Opens and reads the files. Throws Error.
    explicit Profile(const ProfileOptions& options);

    void made(const cpu::HostCode& code) noexcept override;
    void ended(std::vector<std::unique_ptr<hyp::VcpuProfile>> vcpus) noexcept override;

    /// Writes the report, once the VM is gone; nothing if it never started.
    void write() const;

private:
    void follow_kernel(std::uint64_t vbar) noexcept;

    Fd file_;
    Symbols symbols_;
    PerfMap map_;
    std::atomic<std::uint64_t> displacement_{0};  // of the kernel, as far as is known
    std::vector<std::unique_ptr<hyp::VcpuProfile>> vcpus_;
};

}  // namespace gh::machine
