// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "emulator/serve/strand.h"
#include "gunyah/file.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <sys/stat.h>

namespace gh::serve {

enum class Kind : std::uint8_t { Device, Vm, Vcpu, GuestMemory };

/// A descriptor of the emulated device that a client has: to the client's kernel a memfd, known to
/// us by its inode. The object ends when the client's last copy and mapping of it is gone.
struct StandIn {
    explicit StandIn(Kind what) : kind(what) {}

    const Kind kind;
    std::unique_ptr<gunyah::File> file;  // of the driver; none for a Device
    ino_t inode = 0;
    int watch = -1;  // inotify's

    std::atomic<bool> gone{false};  // closed: nobody is to be answered any more
    // Of a vCPU: an exit that nobody was there to hear is told at the next VCPU_RUN.
    bool untold = false;

    Strand strand{"gunyah-client"};  // last: its tasks use the rest
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
    Fd inotify_;
    dev_t device_ = 0;  // where memfds live
    mutable std::mutex mutex_;
    std::unordered_map<ino_t, std::shared_ptr<StandIn>> by_inode_;
    std::unordered_map<int, ino_t> by_watch_;
};

}  // namespace gh::serve
