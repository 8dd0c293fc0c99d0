// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/mapping.h"
#include "emulator/driver/client.h"
#include "gunyah/file.h"
#include "gunyah/uapi.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace gh::driver {

/// A range of a guest memory file.
struct FileRange {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

class GuestMemory;

/// A VM that has bound guest memory. Any thread that holds none of the memory's locks.
class MemoryUser {
public:
    virtual ~MemoryUser() = default;
    /// Takes a range of the file back from the guest: 0, or EBUSY where it has that alone.
    virtual int take_back(const GuestMemory& memory, FileRange range) = 0;
};

/// Memory that the driver made for guests (CREATE_GUEST_MEM of v15 to v17, gunyah-uapi.md 2.3): a
/// memfd and what of it is bound to VMs. What a guest has alone lies elsewhere, so that a client
/// that reads or writes the memfd reaches none of it. It lives while a descriptor or a binding
/// refers to it. Any thread.
class GuestMemory {
public:
    /// Throws Error if the host makes no memfd. The host's files end at 2^63: what is larger than
    /// that has its size in name only.
    explicit GuestMemory(const gunyah::gunyah_create_mem_args& wanted);

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] FileId id() const noexcept { return id_; }
    [[nodiscard]] bool huge_pages() const noexcept { return huge_pages_; }
    /// What a client's descriptor is to be; ours always is.
    [[nodiscard]] bool close_on_exec() const noexcept { return close_on_exec_; }

    /// fallocate(2): 0 or an errno. Pages to be freed are taken back from guests first.
    [[nodiscard]] int allocate(int mode, std::uint64_t offset, std::uint64_t size);
    /// A client is about to map the range, which takes lent pages back: 0 or an errno.
    [[nodiscard]] int prepare_map(FileRange range);

    /// Marks a range as bound to a VM; false if any of it is bound to one.
    [[nodiscard]] bool bind(FileRange range, std::weak_ptr<MemoryUser> user);
    void unbind(FileRange range);
    /// Takes `gone`, the head or the tail, off a bound range.
    void shrink(FileRange bound, FileRange gone);

    /// Shows a bound range to a guest: 0 or an errno. Lending is EPERM while the client maps any of
    /// it.
    [[nodiscard]] int give(FileRange range, bool lend, const Client& client,
                           std::unique_ptr<GuestView>& view);
    [[nodiscard]] bool is_lendable(FileRange range, const Client& client) const;

    /// Copies out of the file; false where it ends before.
    [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> to) const noexcept;

private:
    friend class GuestMemoryFile;
    friend class GuestMemoryView;
    struct Bound {
        FileRange range;
        std::weak_ptr<MemoryUser> user;
    };

    struct Lent : FileRange {
        const GuestView* by = nullptr;
    };

    int take_from_guests(FileRange range);
    void end_lending(FileRange range, const GuestView& by);
    [[nodiscard]] std::vector<Bound>::iterator find_bound(FileRange range);
    [[nodiscard]] std::uint64_t file_size() const noexcept;
    [[nodiscard]] int lent_fd();

    Fd fd_;
    Fd lent_fd_;  // what guests have alone, at the same offsets
    FileId id_;
    std::uint64_t size_;
    bool huge_pages_;
    bool close_on_exec_;
    mutable std::mutex mutex_;
    std::vector<Bound> bound_;
    std::vector<Lent> lent_;         // among them, those that a guest has
    std::vector<FileRange> mapped_;  // by GuestMemoryFile
};

/// The guest memory of one machine, by what its descriptors stand for. Any thread.
class GuestMemories {
public:
    /// CREATE_GUEST_MEM: 0 and the descriptor, or an errno. The value of the reply is a descriptor
    /// of this process, which MAP_MEM takes while the file lives.
    [[nodiscard]] gunyah::Reply create(const gunyah::gunyah_create_mem_args& wanted);
    /// Null if the client's descriptor is none of them.
    [[nodiscard]] std::shared_ptr<GuestMemory> find(const Client& client, int fd) const;

private:
    mutable std::mutex mutex_;
    std::map<FileId, std::weak_ptr<GuestMemory>> memories_;
};

/// A descriptor of guest memory. A client of this process maps it by map_run_page(), at most as
/// long as no guest has it alone; another process maps memory_fd(), after asking may_map().
class GuestMemoryFile final : public gunyah::File {
public:
    explicit GuestMemoryFile(std::shared_ptr<GuestMemory> memory) : memory_(std::move(memory)) {}
    ~GuestMemoryFile() override;

    gunyah::Reply ioctl(std::uint32_t request, std::uintptr_t argument) noexcept override;
    std::byte* map_run_page(std::size_t size) override;
    void interrupt() noexcept override {}
    [[nodiscard]] int memory_fd() const noexcept override { return memory_->fd(); }

    [[nodiscard]] GuestMemory& memory() const noexcept { return *memory_; }

private:
    std::shared_ptr<GuestMemory> memory_;
    Mapping mapping_;
};

}  // namespace gh::driver
