// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"
#include "gunyah/abi.h"
#include "gunyah/file.h"
#include "gunyah/vcpu.h"
#include "memory/gpa.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gh::gunyah {

/// Memory to give to a VM. All of it is a multiple of the host's page size.
struct Grant {
    std::string name;  // for messages: "RAM", "region 7"
    std::uint32_t label = 0;
    Gpa at{};
    std::span<std::byte> host;
    bool read = true;
    bool write = true;
    bool execute = true;
    bool lend = false;
};

/// Where the host reaches memory that a guest has.
struct SharedMemory {
    std::span<std::byte> host;  // empty if it is lent
    int fd = -1;                // the driver's file behind it, if the driver has made it
};

/// A VM of a Gunyah device, spoken to as its kernel generation wants. Every refusal is thrown as an
/// Error that says why and what to do. vCPUs must be gone before the Vm goes.
class Vm {
public:
    /// CREATE_VM, and finds out which generation answered. Throws NoSuchDevice for a device of
    /// another family.
    explicit Vm(std::unique_ptr<File> device);

    [[nodiscard]] const Abi& abi() const noexcept { return *abi_; }

    /// Gives memory before start(), in as many requests as the generation wants. What a guest must
    /// find in it stands there already. Answers where the host reaches it while the guest runs:
    /// grant.host, memory of the driver's that lives as long as this, or, if it is lent, nothing.
    SharedMemory give(const Grant& grant);

    [[nodiscard]] std::unique_ptr<Vcpu> add_vcpu(unsigned id);

    /// From now on a signal on `event` rings the doorbell `label`. The VM's until it goes.
    void add_irqfd(std::uint32_t label, const EventFd& event);

    /// From now on a store of `value` to the 4 bytes at `at` signals `event` and is no exit. False
    /// where the kernel refuses that: it stays an exit. The VM's until it goes.
    [[nodiscard]] bool add_ioeventfd(Gpa at, std::uint32_t value, const EventFd& event);

    /// The devicetree's place, with the room that the Resource Manager may write into: page
    /// multiples, inside one grant.
    void set_dtb(Gpa at, std::uint64_t size);

    /// The first vCPU's entry point and x0. Only where abi().boot_context.
    void set_boot_context(Gpa pc, std::uint64_t x0);

    void start();

private:
    void give_user_memory(const Grant& grant, Gpa at, std::span<std::byte> host);
    SharedMemory give_guest_memory(const Grant& grant);
    void set_register(std::uint32_t set, std::uint32_t index, std::uint64_t value);

    std::unique_ptr<File> device_;
    std::unique_ptr<File> vm_;
    const Abi* abi_;
    std::uint64_t locked_ = 0;                     // bytes given that count against RLIMIT_MEMLOCK
    std::vector<std::unique_ptr<File>> memories_;  // guest memory files that are shared
};

}  // namespace gh::gunyah
