// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/tracing_file.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/formatted.h"
#include "gunyah/decode.h"
#include "gunyah/requests.h"

#include <bit>
#include <chrono>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace gh::gunyah {
namespace {

class TracingFile final : public File {
public:
    TracingFile(std::unique_ptr<File> file, std::string name, TraceSink sink)
        : file_(std::move(file)), name_(std::move(name)), sink_(std::move(sink))
    {
    }
    ~TracingFile() override
    {
        file_.reset();  // what the kernel does at close() stands before the line
        sink_(name_ + ": close");
    }

    Reply ioctl(std::uint32_t request, std::uintptr_t argument) noexcept override;
    std::byte* map_run_page(std::size_t size) override;
    void interrupt() noexcept override;
    void forget_interrupt() noexcept override { file_->forget_interrupt(); }

private:
    [[nodiscard]] std::string question(std::uint32_t request, std::uintptr_t argument) const;
    [[nodiscard]] std::string answer(std::uint32_t request, const Reply& reply) const;
    [[nodiscard]] std::string pending_read() const;

    std::unique_ptr<File> file_;
    std::string name_;
    TraceSink sink_;
    const gh_vcpu_run* page_ = nullptr;
    bool owes_read_ = false;  // the last run was a read whose data the next one carries
};

std::string name_of_made(std::uint32_t request, std::uintptr_t argument)
{
    if (request == GH_CREATE_VM)
        return "vm";
    if (request != GH_VM_ADD_FUNCTION)
        return "guest memory";
    const auto& function = *std::bit_cast<const gh_fn_desc*>(argument);
    const auto id = function.arg_size == 0 ? function.arg
                                           : std::bit_cast<const gh_fn_vcpu_arg*>(function.arg)->id;
    return "vcpu " + std::to_string(id);
}

std::string TracingFile::pending_read() const
{
    std::uint64_t data = 0;
    std::memcpy(&data, page_->mmio.data.data(), sizeof(data));
    if (page_->mmio.len < 8)
        data &= (std::uint64_t{1} << (8 * page_->mmio.len)) - 1;
    return formatted(" (read answered 0x%llx)", static_cast<unsigned long long>(data));
}

std::string TracingFile::question(std::uint32_t request, std::uintptr_t argument) const
{
    const std::string_view known = request_name(request);
    std::string line =
        name_ + ": " + (known.empty() ? formatted("request 0x%08x", request) : std::string(known));
    if (request == GH_VCPU_RUN && owes_read_)
        return line + pending_read();
    return line + decode_argument(request, argument);
}

std::string TracingFile::answer(std::uint32_t request, const Reply& reply) const
{
    std::string line = " = ";
    if (reply.error != 0)
        line += errno_text(reply.error);
    else
        line += std::to_string(reply.value);
    const bool ran = request == GH_VCPU_RUN && page_ != nullptr;
    const bool exits = ran && (reply.error == 0 || reply.error == EINTR) && page_->exit_reason != 0;
    return exits ? line + " " + decode_exit(*page_) : line;
}

Reply TracingFile::ioctl(std::uint32_t request, std::uintptr_t argument) noexcept
{
    const std::string asked = question(request, argument);
    Reply reply = file_->ioctl(request, argument);
    sink_(asked + answer(request, reply));
    if (request == GH_VCPU_RUN && page_ != nullptr)
        owes_read_ = page_->exit_reason == GH_VCPU_EXIT_MMIO && page_->mmio.is_write == 0;
    if (reply.file)
        reply.file = std::make_unique<TracingFile>(std::move(reply.file),
                                                   name_of_made(request, argument), sink_);
    return reply;
}

std::byte* TracingFile::map_run_page(std::size_t size)
{
    std::byte* const page = file_->map_run_page(size);
    page_ = std::bit_cast<const gh_vcpu_run*>(page);
    sink_(name_ + formatted(": mmap size=0x%zx", size));
    return page;
}

void TracingFile::interrupt() noexcept
{
    sink_(name_ + ": interrupt");
    file_->interrupt();
}

}  // namespace

std::unique_ptr<File> trace_file(std::unique_ptr<File> file, std::string name, TraceSink sink)
{
    return std::make_unique<TracingFile>(std::move(file), std::move(name), std::move(sink));
}

TraceSink trace_to(const std::string& path)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
    const auto out = std::make_shared<Fd>(path == "-" ? Fd{} : open_file(path, flags));
    const auto begin = std::chrono::steady_clock::now();
    return [out, begin](const std::string& line) {
        const std::chrono::duration<double> since = std::chrono::steady_clock::now() - begin;
        const std::string whole = formatted("%11.6f ", since.count()) + line + "\n";
        const int fd = *out ? out->get() : STDERR_FILENO;
        [[maybe_unused]] const auto written = ::write(fd, whole.data(), whole.size());
    };
}

}  // namespace gh::gunyah
