// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/client.h"
#include "emulator/driver/ioeventfd.h"
#include "emulator/driver/irqfd.h"
#include "emulator/driver/memory_map.h"
#include "emulator/driver/personality.h"
#include "emulator/driver/vcpu.h"
#include "emulator/rm/resource_manager.h"
#include "gunyah/file.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <vector>

namespace gh::driver {

/// A VM as the kernel's driver keeps it: functions, memory, and the conversation with the Resource
/// Manager. Shared by the VM file and every vCPU file, as the kernel counts references; the last
/// one that goes tears it down (gunyah-uapi.md 2.10). Any thread.
class Vm {
public:
    Vm(std::shared_ptr<rm::ResourceManager> manager, std::shared_ptr<GuestMemories> memories,
       std::shared_ptr<Client> client, const Personality& personality);
    ~Vm();
    Vm(const Vm&) = delete;
    Vm& operator=(const Vm&) = delete;

    /// CREATE_VM's part of the conversation with the Resource Manager: 0 or an errno, after which
    /// the VM is of no use.
    [[nodiscard]] int create();

    // The ioctls, each 0 or an errno (gunyah-uapi.md 2.2 to 2.6).
    [[nodiscard]] int set_user_memory(std::uintptr_t argument, bool lend);
    [[nodiscard]] int map_memory(std::uintptr_t argument);
    [[nodiscard]] int set_dtb(std::uintptr_t argument);
    [[nodiscard]] int set_firmware(std::uintptr_t argument);
    [[nodiscard]] int set_boot_context(std::uintptr_t argument);
    [[nodiscard]] int reclaim_region(std::uintptr_t argument);
    [[nodiscard]] int map_cma(std::uintptr_t argument);
    [[nodiscard]] int set_auth_type(std::uintptr_t argument);
    [[nodiscard]] int start();
    /// `vcpu` is the new one, if the function is a vCPU.
    [[nodiscard]] int add_function(std::uintptr_t argument, std::shared_ptr<Vcpu>& vcpu);
    [[nodiscard]] int remove_function(std::uintptr_t argument);
    /// The vCPU function was not added after all: its id is free again.
    void forget_vcpu(std::uint32_t id) noexcept;

    // For the vCPUs.
    struct Target {
        hyp::Vm* hypervisor = nullptr;  // nullptr: the VM has its resources but did not start
        unsigned index = 0;
    };
    /// The hypervisor's vCPU behind a function; none before START has got so far. Waits for a START
    /// under way.
    [[nodiscard]] std::optional<Target> vcpu_target(std::uint32_t id) const;
    /// The same without waiting, and only once the VM has started.
    [[nodiscard]] std::optional<Target> running_vcpu(std::uint32_t id) const noexcept;
    [[nodiscard]] rm::VmState status() const noexcept { return status_; }
    [[nodiscard]] hyp::VmExit exit() const;
    /// Brings in the page that a vCPU wants: 0, or why not as an errno.
    [[nodiscard]] int page_in(Gpa at, hyp::FaultAccess access) const
    {
        return memory_->page_in(at, access);
    }
    [[nodiscard]] const Client& client() const noexcept { return *client_; }
    [[nodiscard]] const Personality& personality() const noexcept { return personality_; }
    [[nodiscard]] const Ioeventfds& ioeventfds() const noexcept { return ioeventfds_; }

private:
    struct Range {
        std::uint64_t guest_phys_addr = 0;
        std::uint64_t size = 0;
    };

    /// A function as it was added, for generations that remove it by all of its argument.
    struct Added {
        std::uint32_t type = 0;
        std::uint64_t value = 0;  // the argument, if it has no bytes
        std::vector<std::byte> bytes;
    };

    int bind_function(const gunyah::gh_fn_desc& description, std::span<const std::byte> bytes,
                      std::shared_ptr<Vcpu>& vcpu);
    int add_vcpu(std::uint32_t id, std::shared_ptr<Vcpu>& vcpu);
    int add_irqfd(const gunyah::gh_fn_irqfd_arg& argument);
    int add_ioeventfd(const gunyah::gh_fn_ioeventfd_arg& argument);
    int unbind_function(std::uint32_t type, std::span<const std::byte> bytes, std::uint64_t value);
    int remove_whole(const gunyah::gh_fn_desc& description, std::span<const std::byte> bytes);
    int remove_vcpu(std::uint32_t id);

    [[nodiscard]] rm::VmState initial_state() const noexcept;
    int allocate_vmid();
    void log_late_memory(Gpa at) const;
    int run_start_sequence();
    int find_image(rm::ImageConfig& config) const;
    int read_devicetree(const rm::ImageConfig& config, std::vector<std::byte>& dtb) const;
    void add_parcels(rm::ImageConfig& config) const;
    int give_parcels();
    int load_image(rm::ImageConfig& config, std::vector<std::byte>& dtb);
    int configure(rm::ImageConfig& config);
    int set_boot_registers();
    std::vector<rm::HostPiece> host_pieces() const;
    void reclaim() noexcept;
    void attach_doorbells() noexcept;
    void ring(std::uint32_t label) noexcept;
    [[nodiscard]] std::optional<unsigned> resource(rm::Resource::Type type,
                                                   std::uint32_t label) const noexcept;
    void exited(const hyp::VmExit& exit) noexcept;

    std::shared_ptr<rm::ResourceManager> manager_;  // the machine outlives its device file
    std::shared_ptr<GuestMemories> memories_;
    std::shared_ptr<Client> client_;
    const Personality& personality_;

    mutable std::shared_mutex start_lock_;  // START holds it; RUN and SET_BOOT_CONTEXT look through
    std::atomic<rm::VmState> status_{rm::VmState::NoState};
    Range dtb_;
    std::optional<Range> firmware_;
    std::map<std::uint32_t, std::uint64_t> boot_registers_;
    std::shared_ptr<rm::Vm> guest_;
    std::vector<rm::Resource> resources_;        // written by START only
    std::atomic<hyp::Vm*> hypervisor_{nullptr};  // written after resources_

    mutable std::mutex exit_mutex_;
    hyp::VmExit exit_{.type = 0, .reason_size = 0, .reason = {}};

    std::shared_ptr<MemoryMap> memory_;  // guest memory may ask for it a little longer
    std::size_t parcels_ = 0;            // that the Resource Manager has got

    std::mutex function_mutex_;
    std::vector<Added> added_;                              // where Removal compares all of it
    std::map<std::uint32_t, std::shared_ptr<Vcpu>> vcpus_;  // shared with their files
    Ioeventfds ioeventfds_;
    std::unique_ptr<Irqfds> irqfds_;
};

}  // namespace gh::driver
