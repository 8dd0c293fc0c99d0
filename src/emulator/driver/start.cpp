// SPDX-License-Identifier: BSD-3-Clause
// GH_VM_START: the messages to the Resource Manager and what becomes of the VM when one fails
// (gunyah-uapi.md 2.6 and 4).
#include "base/bits.h"
#include "base/log.h"
#include "emulator/driver/vm.h"

#include <algorithm>
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
    if (status_ != initial_state())
        return ENODEV;
    if (!personality_.vmid_at_create)
        if (const int error = allocate_vmid())
            return error;  // START may be tried again
    const int error = run_start_sequence();
    if (error != 0 && personality_.failure_is_final)
        status_ = rm::VmState::InitFailed;
    return error;
}

int Vm::run_start_sequence()
{
    const auto lock = memory_->lock();
    rm::ImageConfig config;
    if (const int error = configure(config))
        return error;
    if (!personality_.boot_after_resources)
        if (const int error = set_boot_registers())
            return error;
    resources_ = guest_->resources();
    if (personality_.boot_after_resources)
        if (const int error = set_boot_registers())
            return error;
    // A little later than the real thing, where the devicetree's parcel goes before CONFIG_IMAGE.
    if (personality_.demand_paged) {
        const int error =
            guest_->pages_on_demand()
                ? memory_->give_at_start(config.image, config.dtb_offset, config.dtb_size)
                : memory_->give_all();
        if (error != 0)
            return error;
    }
    const auto error =
        guest_->start(host_pieces(), [this](const hyp::VmExit& exit) { exited(exit); });
    if (error != rm::Error::Ok)
        return errno_of(error);
    status_ = rm::VmState::Running;
    hypervisor_ = guest_->hypervisor();
    memory_->attach(hypervisor_);
    attach_doorbells();
    guest_->hypervisor()->begin();  // last: the guest may end at once
    return 0;
}

namespace {

/// As much of the devicetree as its header says, and at least the header; never more than the range
/// given for it, nor than shows the Resource Manager that it is too much. A copy, for the owner may
/// write to it while it is read.
bool copy_dtb(const Client& client, const Binding& image, std::uint64_t offset, std::uint64_t size,
              std::vector<std::byte>& dtb)
{
    struct {
        std::uint32_t magic;
        std::uint32_t totalsize;
    } header{};
    if (!image.read(client, offset, std::as_writable_bytes(std::span(&header, 1))))
        return false;
    const std::uint64_t most = std::min<std::uint64_t>(size, rm::kMaxTree + 1);
    dtb.resize(std::clamp<std::uint64_t>(be32toh(header.totalsize),
                                         std::min<std::uint64_t>(40, most), most));
    return image.read(client, offset, dtb);
}

}  // namespace

/// The region that holds the devicetree, by the generation's rule.
int Vm::find_image(rm::ImageConfig& config) const
{
    if (personality_.demand_paged && dtb_.size < page_size()) {
        log(LogLevel::Warn,
            "GH_VM_START: no devicetree, or a range of less than a page for it; give its guest "
            "address and the whole pages it may use by GH_VM_SET_DTB_CONFIG");
        return EINVAL;
    }
    const Gpa at{dtb_.guest_phys_addr};
    const bool any = !personality_.demand_paged && !personality_.dtb_within_region;
    const auto image =
        any ? memory_->find_any(at, std::max<std::uint64_t>(dtb_.size, 1)) : memory_->find(at);
    const bool inside = image && dtb_.size <= memory_->all()[*image].last() - at + 1;
    if (!image || (personality_.dtb_within_region && !inside)) {
        log(LogLevel::Warn, "GH_VM_START: the devicetree at %#llx is in no memory given to the VM",
            static_cast<unsigned long long>(raw(at)));
        return personality_.demand_paged ? ENOENT : EINVAL;
    }
    config.image = *image;
    config.dtb_offset = at - memory_->all()[*image].at;
    config.dtb_size = dtb_.size;
    return 0;
}

/// Copies the tree. With demand paging its range is pinned and lent on its own, here.
int Vm::read_devicetree(const rm::ImageConfig& config, std::vector<std::byte>& dtb) const
{
    const Binding& image = memory_->all()[config.image];
    const bool inside =
        config.dtb_offset <= image.size && dtb_.size <= image.size - config.dtb_offset;
    if (!inside && !personality_.demand_paged)
        return 0;  // the Resource Manager will refuse it
    if (!inside || !copy_dtb(*client_, image, config.dtb_offset, dtb_.size, dtb)) {
        log(LogLevel::Warn,
            "GH_VM_START: the devicetree's range %#llx + %#llx is not all in mapped memory of one "
            "region",
            static_cast<unsigned long long>(dtb_.guest_phys_addr),
            static_cast<unsigned long long>(dtb_.size));
        return EFAULT;
    }
    if (!image.memory || !image.lent ||
        image.memory->is_lendable({image.offset + config.dtb_offset, dtb_.size}, *client_))
        return 0;
    log(LogLevel::Warn,
        "GH_VM_START: the memory with the devicetree is lent, but mapped by its owner: unmap it "
        "first");
    return EPERM;
}

void Vm::add_parcels(rm::ImageConfig& config) const
{
    for (const Binding& binding : memory_->all())
        config.parcels.push_back(
            {binding.at, binding.size, binding.label, binding.rights, binding.lent});
}

/// MEM_LEND or MEM_SHARE of each region, where that is how memory is given.
int Vm::give_parcels()
{
    for (; parcels_ < memory_->all().size(); ++parcels_)
        if (const auto error = manager_->take_parcel(); error != rm::Error::Ok)
            return errno_of(error);
    return memory_->give_all();
}

/// Memory and CONFIG_IMAGE. `dtb` becomes a copy of the tree.
int Vm::load_image(rm::ImageConfig& config, std::vector<std::byte>& dtb)
{
    if (!personality_.demand_paged)
        if (const int error = give_parcels())
            return error;
    if (const int error = find_image(config))
        return error;
    if (const int error = read_devicetree(config, dtb))
        return error;
    add_parcels(config);
    return errno_of(guest_->configure(config));
}

/// Up to VM_INIT.
int Vm::configure(rm::ImageConfig& config)
{
    std::vector<std::byte> dtb;
    if (const int error = load_image(config, dtb))
        return error;
    // android16 takes a firmware of size 0 for none.
    if (firmware_ && (firmware_->size > 0 || !personality_.set_auth_type)) {
        if (!memory_->find(Gpa{firmware_->guest_phys_addr}))
            return personality_.demand_paged ? ENOENT : EINVAL;
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

std::vector<rm::HostPiece> Vm::host_pieces() const
{
    std::vector<rm::HostPiece> pieces;
    for (std::size_t i = 0; i < memory_->all().size(); ++i)
        for (const Given& part : memory_->all()[i].given)
            pieces.push_back({i, part.offset, part.host, part.host_writable});
    return pieces;
}

}  // namespace gh::driver
