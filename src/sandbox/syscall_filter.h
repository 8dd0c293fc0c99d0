// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include <linux/filter.h>

namespace gh::sandbox {

enum class Action {
    Allow,
    Refuse,  ///< EPERM
    Trap,    ///< SIGSYS, see refusals.h
    Deny,    ///< ENOSYS, which callers know a way round
    Notify,  ///< stops for who listens, see seccomp_unotify(2)
};

/// Argument `index` of a system call, masked, is `value`.
struct Argument {
    unsigned index = 0;
    std::uint64_t mask = 0;
    std::uint64_t value = 0;
};

/// What happens at which system call: a seccomp filter in the making. The house's only user of
/// libseccomp. Everything throws Error.
class SyscallFilter {
public:
    /// `otherwise`: of calls without a rule. `foreign`: of programs for another architecture.
    SyscallFilter(Action otherwise, Action foreign);

    /// What `name` does if all of `arguments` hold; of several rules for a call one suffices. A
    /// call that this machine's architecture does not have is left out.
    void on(const std::string& name, Action action, std::initializer_list<Argument> arguments = {});

    [[nodiscard]] std::vector<sock_filter> program() const;

    enum class Tell { Nothing, Refusals };

    /// Puts the filter on all threads of this process, for good, gives up gaining rights by exec,
    /// and has the kernel's log tell of what it does not allow. Filters add up: the strictest wins.
    void install(Tell tell);

private:
    std::unique_ptr<void, void (*)(void*)> context_;
};

}  // namespace gh::sandbox
