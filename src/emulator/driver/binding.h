// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/client.h"
#include "emulator/driver/guest_memory.h"
#include "emulator/hyp/vm.h"
#include "memory/gpa.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace gh::driver {

/// A part of a binding that the guest has, or has given back without anybody having taken it.
struct Given {
    std::uint64_t offset = 0;  // into the binding
    std::span<std::byte> host;
    bool host_writable = false;
    std::shared_ptr<GuestView> view;  // of which it is a part
    std::uint64_t view_at = 0;        // the view's offset into the binding

    [[nodiscard]] std::uint64_t end() const noexcept { return offset + host.size(); }
};

/// Memory that a VM's owner bound to guest addresses: its own by SET_USER_MEM_REGION or
/// LEND_USER_MEM, or the driver's by MAP_MEM. Not for two threads at once.
struct Binding {
    Gpa at{};
    std::uint64_t size = 0;
    std::uint32_t label = 0;
    std::uint32_t rights = 0;  // GH_MEM_ALLOW_*
    bool lent = false;
    bool counted = false;  // what is given counts against RLIMIT_MEMLOCK, and is swap-backed

    std::uint64_t address = 0;  // the client's, where `memory` is null
    std::shared_ptr<GuestMemory> memory;
    std::uint64_t offset = 0;     // into memory
    std::uint32_t map_flags = 0;  // MAP_MEM's

    std::vector<Given> given;  // ascending, disjoint
    // All of it, where its client shows it once and as a whole (Client::gives_on_demand): what is
    // given is a part of that.
    std::shared_ptr<GuestView> whole;

    [[nodiscard]] Gpa last() const noexcept { return at + (size - 1); }
    [[nodiscard]] bool meets(Gpa other, std::uint64_t other_size) const noexcept;
    /// Copies what lies at `from` of the binding; false where it is not there.
    [[nodiscard]] bool read(const Client& client, std::uint64_t from,
                            std::span<std::byte> to) const noexcept;

    /// Has the client show all of it, if that is how it does: 0 or an errno.
    [[nodiscard]] int prepare(Client& client);
    /// Gives the guest what it has not of a part: 0 or an errno. Memory that is not there is left
    /// out. `hypervisor` is null before the VM runs.
    [[nodiscard]] int give(Client& client, std::uint64_t from, std::uint64_t bytes,
                           hyp::Vm* hypervisor);
    /// Brings in the page at `from`, and if `neighbours` those where that costs nothing: 0, or why
    /// not as an errno (gunyah-uapi.md 2.8).
    [[nodiscard]] int page_in(Client& client, std::uint64_t from, bool neighbours,
                              hyp::FaultAccess access, hyp::Vm& hypervisor);
    /// Takes back what may be taken of a part: 0, or EBUSY where the guest has some of it alone and
    /// has not released it.
    [[nodiscard]] int take(Client& client, std::uint64_t from, std::uint64_t bytes,
                           hyp::Vm* hypervisor);
    /// Gives everything back. The guest is gone.
    void give_back_all(Client& client) noexcept;
    /// Bytes of it that were given.
    [[nodiscard]] std::uint64_t given_bytes() const noexcept;
    /// Drops the first `bytes`, of which nothing is given.
    void cut_head(std::uint64_t bytes);

private:
    /// A view of the client's, and where in the binding it begins.
    struct Shown {
        std::shared_ptr<GuestView> view;
        std::uint64_t at = 0;
    };

    [[nodiscard]] std::vector<Given>::iterator find(std::uint64_t from) noexcept;
    [[nodiscard]] int give_gap(Client& client, std::uint64_t from, std::uint64_t bytes,
                               hyp::Vm* hypervisor);
    [[nodiscard]] int show(Client& client, std::uint64_t from, std::uint64_t bytes,
                           Shown& shown) const;
    [[nodiscard]] ClientRange window(std::uint64_t from) noexcept;
    [[nodiscard]] hyp::RamRange ram(const Given& part) const noexcept;
    std::uint64_t keep(const Shown& shown, std::uint64_t from, std::uint64_t bytes,
                       hyp::Vm* hypervisor);
    int take_part(Client& client, const Given& part, hyp::Vm* hypervisor,
                  std::vector<Given>& kept) const;
    int page_in_again(const Given& part, std::uint64_t from, hyp::FaultAccess access,
                      hyp::Vm& hypervisor) const;
};

}  // namespace gh::driver
