// SPDX-License-Identifier: BSD-3-Clause
// GH_VM_START: the messages to the Resource Manager and what becomes of the VM when one fails
// (gunyah-uapi.md 2.6 and 4).
#include "base/bits.h"
#include "base/log.h"
#include "emulator/driver/vm.h"

#include <array>
#include <cerrno>

#include <endian.h>

namespace gh::driver {

using namespace gunyah;

int Vm::start()
{
    const std::unique_lock lock(start_lock_);
    if (status_ == rm::VmState::Running)
        return 0;
    if (status_ != rm::VmState::NoState)
        return ENODEV;
    return run_start_sequence();
}

int Vm::run_start_sequence()
{
    const std::scoped_lock lock(memory_mutex_);
    if (const auto error = manager_->allocate(guest_); error != rm::Error::Ok)
        return errno_of(error);  // START may be tried again
    status_ = rm::VmState::Load;
    if (const int error = configure())
        return error;
    if (!personality_.boot_after_resources)
        if (const int error = set_boot_registers())
            return error;
    resources_ = guest_->resources();
    if (personality_.boot_after_resources)
        if (const int error = set_boot_registers())
            return error;
    std::vector<rm::HostPiece> pieces;
    if (const int error = give_memory(pieces))
        return error;
    const auto error = guest_->start(pieces, [this](const hyp::VmExit& exit) { exited(exit); });
    if (error != rm::Error::Ok)
        return errno_of(error);
    status_ = rm::VmState::Running;
    hypervisor_ = guest_->hypervisor();
    attach_doorbells();
    return 0;
}

namespace {

/// As much of the devicetree as its header says, and at least the header; never more than the range
/// given for it. A copy, for the owner may write to it while it is read.
bool copy_dtb(const Client& client, std::uint64_t address, std::uint64_t size,
              std::vector<std::byte>& dtb)
{
    struct {
        std::uint32_t magic;
        std::uint32_t totalsize;
    } header{};
    if (!read_struct(client, address, header))
        return false;
    dtb.resize(std::clamp<std::uint64_t>(be32toh(header.totalsize),
                                         std::min<std::uint64_t>(40, size), size));
    return client.read(address, dtb);
}

}  // namespace

/// Finds the region that holds the devicetree and copies the tree out of it.
int Vm::read_devicetree(rm::ImageConfig& config, std::vector<std::byte>& dtb) const
{
    if (dtb_.size < page_size()) {
        log(LogLevel::Warn,
            "GH_VM_START: no devicetree, or a range of less than a page for it; give its guest "
            "address and the whole pages it may use by GH_VM_SET_DTB_CONFIG");
        return EINVAL;
    }
    const auto image = memory_.find(Gpa{dtb_.guest_phys_addr});
    if (!image) {
        log(LogLevel::Warn, "GH_VM_START: the devicetree at %#llx is in no memory given to the VM",
            static_cast<unsigned long long>(dtb_.guest_phys_addr));
        return ENOENT;
    }
    const auto& region = memory_.all()[*image].region;
    const std::uint64_t offset = dtb_.guest_phys_addr - region.guest_phys_addr;
    if (dtb_.size > region.memory_size - offset ||
        !copy_dtb(*client_, region.userspace_addr + offset, dtb_.size, dtb)) {
        log(LogLevel::Warn,
            "GH_VM_START: the devicetree's range %#llx + %#llx is not all in mapped memory of one "
            "region",
            static_cast<unsigned long long>(dtb_.guest_phys_addr),
            static_cast<unsigned long long>(dtb_.size));
        return EFAULT;
    }
    config = {.parcels = {}, .image = *image, .dtb_offset = offset, .dtb_size = dtb_.size};
    return 0;
}

/// CONFIG_IMAGE to VM_INIT.
int Vm::configure()
{
    rm::ImageConfig config;
    std::vector<std::byte> dtb;
    if (const int error = read_devicetree(config, dtb))
        return error;
    for (const Binding& binding : memory_.all())
        config.parcels.push_back({Gpa{binding.region.guest_phys_addr}, binding.region.memory_size,
                                  binding.region.label, binding.region.flags, binding.lent});
    if (const auto error = guest_->configure(std::move(config)); error != rm::Error::Ok)
        return errno_of(error);
    // android16 takes a firmware of size 0 for none.
    if (firmware_ && (firmware_->size > 0 || !personality_.set_auth_type)) {
        if (!memory_.find(Gpa{firmware_->guest_phys_addr}))
            return ENOENT;
        return errno_of(guest_->set_firmware_memory());
    }
    const auto error = guest_->init(std::move(dtb));
    status_ = error == rm::Error::Ok ? rm::VmState::Ready : rm::VmState::InitFailed;
    return errno_of(error);
}

int Vm::set_boot_registers()
{
    for (const auto& [reg, value] : boot_registers_) {
        const auto set = static_cast<std::uint32_t>(bits(reg, 8, 8));
        const auto index = static_cast<std::uint32_t>(bits(reg, 0, 8));
        if (const auto error = guest_->set_boot_register(set, index, value); error != rm::Error::Ok)
            return errno_of(error);
    }
    return 0;
}

/// The moment when lent memory leaves its owner: a little later than on android15 for the
/// devicetree (its parcel goes before CONFIG_IMAGE), a little earlier for the rest (when the guest
/// touches it).
int Vm::give_memory(std::vector<rm::HostPiece>& pieces)
{
    if (const int error = memory_.give(*client_))
        return error;
    for (std::size_t i = 0; i < memory_.all().size(); ++i)
        for (const Piece& piece : memory_.all()[i].view->pieces())
            pieces.push_back({i, piece.offset, piece.host, piece.host_writable});
    return 0;
}

}  // namespace gh::driver
