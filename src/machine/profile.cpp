// SPDX-License-Identifier: BSD-3-Clause
#include "machine/profile.h"

#include "base/error.h"
#include "machine/profile_report.h"

#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace gh::machine {

Profile::Profile(const ProfileOptions& options)
    : file_(options.file == "-" ? Fd{} : open_file(options.file, O_WRONLY | O_CREAT | O_TRUNC)),
      symbols_(options.symbols ? Symbols::read(*options.symbols) : Symbols{})
{
}

void Profile::follow_kernel(std::uint64_t vbar) noexcept
{
    if (const auto displacement = symbols_.displacement(vbar))
        displacement_.store(*displacement, std::memory_order_relaxed);
}

void Profile::made(const cpu::HostCode& code) noexcept
{
    if (code.name != nullptr)
        return map_.add(code.at, code.size, code.name);
    follow_kernel(code.vbar);
    map_.add(code.at, code.size,
             "guest:el" + std::to_string(code.el) + ":" +
                 GuestNames{symbols_, displacement_.load(std::memory_order_relaxed)}.place(
                     code.va, code.el));
}

void Profile::ended(std::vector<std::unique_ptr<hyp::VcpuProfile>> vcpus) noexcept
{
    vcpus_ = std::move(vcpus);
    for (const auto& vcpu : vcpus_)
        follow_kernel(vcpu->vbar);
}

void Profile::write() const
{
    if (vcpus_.empty())
        return;
    const std::string text = profile_report(vcpus_, GuestNames{symbols_, displacement_.load()});
    const int fd = file_ ? file_.get() : STDERR_FILENO;
    for (std::string_view left = text; !left.empty();) {
        const ssize_t written = ::write(fd, left.data(), left.size());
        if (written < 0 && errno != EINTR)
            throw_errno("write the profile");
        if (written > 0)
            left.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace gh::machine
