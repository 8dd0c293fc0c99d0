// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/locked.h"
#include "emulator/serve/strand.h"
#include "gunyah/file.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <sys/stat.h>

namespace gh::serve {

enum class Kind : std::uint8_t { Device, Vm, Vcpu, GuestMemory };

/// A descriptor of the emulated device that a client has: to the client's kernel a memfd, known to
/// us by its inode. The object ends when the client's last copy and mapping of it is gone.
class StandIn {
public:
    /// `file` is the driver's; none for a Device.
    explicit StandIn(Kind what, std::unique_ptr<gunyah::File> file = nullptr);

    const Kind kind;
    ino_t inode = 0;
    int watch = -1;  // inotify's
    // Of a vCPU: an exit that nobody was there to hear is told at the next VCPU_RUN.
    bool untold = false;
    Strand strand{"gunyah-client"};  // its tasks hold this object

    /// The driver's file, or nullptr if it is closed. Whoever answers a call holds it until then,
    /// as the kernel does: another thread of the client may close it meanwhile. Any thread.
    [[nodiscard]] std::shared_ptr<gunyah::File> file() const;
    /// No call can come any more: the file is closed as soon as nobody holds it, and then
    /// `closed` is called, by the thread that held it last. Once.
    void close(std::function<void()> closed);

private:
    struct Open {
        std::unique_ptr<gunyah::File> file;
        std::function<void()> closed;

        ~Open();
    };
    mutable Locked<std::shared_ptr<Open>> open_;
};

/// All stand-ins of a server, by inode. Any thread.
class StandIns {
public:
    StandIns();

    /// Readable when stand-ins may have lost their last user: see closed().
    [[nodiscard]] int closings() const noexcept { return inotify_.get(); }
    /// Those that have: the caller destroys them.
    [[nodiscard]] std::vector<std::shared_ptr<StandIn>> closed();

    /// Makes a descriptor for a client out of `object`, opened with `flags` (O_RDWR and the like).
    /// Empty, with errno, on failure. From its last close on the object is among closed().
    [[nodiscard]] Fd open(const std::shared_ptr<StandIn>& object, int flags);
    [[nodiscard]] std::shared_ptr<StandIn> find(const struct stat& info) const;

private:
    void forget(int watch, std::vector<std::shared_ptr<StandIn>>& gone);
    void forget_vanished(std::vector<std::shared_ptr<StandIn>>& gone);

    Fd inotify_;
    dev_t device_ = 0;  // where memfds live
    mutable std::mutex mutex_;
    std::unordered_map<ino_t, std::shared_ptr<StandIn>> by_inode_;
    std::unordered_map<int, ino_t> by_watch_;
};

}  // namespace gh::serve
