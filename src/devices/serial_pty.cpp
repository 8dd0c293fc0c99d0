// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"
#include "base/log.h"
#include "devices/serial_port.h"

#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace gh {
namespace {

Fd open_master()
{
    Fd master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
    if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0)
        throw_errno("make a pseudo-terminal");
    return master;
}

std::string name_of(const Fd& master)
{
    std::array<char, 128> name{};
    if (::ptsname_r(master.get(), name.data(), name.size()) != 0)
        throw_errno("ptsname");
    return name.data();
}

// Raw from the start: nothing that the guest prints is echoed back to it before somebody opens it.
Fd open_raw_slave(const std::string& name)
{
    Fd slave = open_file(name, O_RDWR | O_NOCTTY);
    termios mode{};
    if (::tcgetattr(slave.get(), &mode) != 0)
        throw_errno("tcgetattr " + name);
    ::cfmakeraw(&mode);
    if (::tcsetattr(slave.get(), TCSANOW, &mode) != 0)
        throw_errno("tcsetattr " + name);
    return slave;
}

class PtyBackend final : public SerialBackend {
public:
    PtyBackend(Poller& poller, std::string link_path)
        : link_path_(std::move(link_path)),
          master_(open_master()),
          name_(name_of(master_)),
          slave_(open_raw_slave(name_)),
          link_(poller, {})
    {
        if (!link_path_.empty())
            make_symlink();
        log(LogLevel::Notice, "serial port at %s", name_.c_str());
        link_.connect({.input = master_.get(), .output = master_.get(), .lossy = true});
    }
    ~PtyBackend() override
    {
        if (!link_path_.empty())
            (void)::unlink(link_path_.c_str());
    }

    SerialLink& link() noexcept override { return link_; }
    std::string path() const override { return name_; }

private:
    // A link of an earlier run is replaced, anything else is somebody's file.
    void make_symlink() const
    {
        struct stat status {};
        if (::lstat(link_path_.c_str(), &status) == 0 && S_ISLNK(status.st_mode))
            (void)::unlink(link_path_.c_str());
        if (::symlink(name_.c_str(), link_path_.c_str()) != 0)
            throw_errno("make the link " + link_path_ + " to " + name_);
    }

    std::string link_path_;
    Fd master_;
    std::string name_;
    Fd slave_;  // kept open: without any the master would only say EIO
    SerialLink link_;
};

}  // namespace

std::unique_ptr<SerialBackend> make_pty_backend(Poller& poller, const std::string& link_path)
{
    return std::make_unique<PtyBackend>(poller, link_path);
}

}  // namespace gh
