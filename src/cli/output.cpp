// SPDX-License-Identifier: BSD-3-Clause
#include "cli/output.h"

#include "base/error.h"
#include "base/fd.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace gh::cli {
namespace {

void write_all(int fd, std::span<const std::byte> bytes, const std::string& name)
{
    while (!bytes.empty()) {
        const ::ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR)
            throw_errno("write " + name);
        if (written > 0)
            bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

}  // namespace

void write_output(std::span<const std::byte> bytes, const std::string& file)
{
    if (file.empty())
        return write_all(STDOUT_FILENO, bytes, "to stdout");
    write_all(open_file(file, O_WRONLY | O_CREAT | O_TRUNC).get(), bytes, file);
}

void write_output(std::string_view text, const std::string& file)
{
    write_output(std::as_bytes(std::span(text)), file);
}

}  // namespace gh::cli
