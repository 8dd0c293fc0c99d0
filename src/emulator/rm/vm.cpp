// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/vm.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "emulator/rm/address_check.h"
#include "emulator/rm/hypervisor_config.h"
#include "emulator/rm/overlay.h"
#include "emulator/rm/rpc_server.h"
#include "fdt/vm_config.h"
#include "gunyah/explain.h"
#include "gunyah/uapi.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <sys/random.h>

namespace gh::rm {
namespace {

constexpr std::uint64_t kPage = 0x1000;
constexpr unsigned kMaxCpus = 8;
constexpr std::uint16_t kExitByRequest = 0;  // types of hyp::VmExit
constexpr std::uint16_t kExitByOwner = 7;
constexpr std::size_t kExitCode = 2;  // where its reason has the code
constexpr std::uint8_t kSoftwareError = 1;

Error refuse(Error error, const std::string& reason)
{
    log(LogLevel::Warn, "Resource Manager: %s", reason.c_str());
    return error;
}

Error refuse(const fdt::Finding& finding)
{
    return refuse(static_cast<Error>(finding.error), finding.path + ": " + finding.message);
}

std::uint64_t random_seed()
{
    std::uint64_t seed = 0;
    if (::getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed))
        throw_errno("getrandom");
    return seed;
}

bool rights_are_possible(std::uint32_t rights)
{
    return (rights & kRead) != 0 && (rights & ~kAllRights) == 0;
}

}  // namespace

Vm::Vm(std::uint16_t vmid, Policy policy) : vmid_(vmid), policy_(std::move(policy)) {}
Vm::~Vm() = default;

Gpa Vm::dtb_address() const
{
    return config_.parcels[config_.image].at + config_.dtb_offset;
}

Error Vm::configure(ImageConfig config)
{
    if (state_ != VmState::Load)
        return Error::VmState;
    config_ = std::move(config);
    const Error error = check_configuration();
    state_ = error == Error::Ok ? VmState::Init : VmState::InitFailed;
    return error;
}

Error Vm::check_configuration() const
{
    if (config_.image >= config_.parcels.size())
        return Error::HandleInvalid;
    const Parcel& image = config_.parcels[config_.image];
    if (!rights_are_possible(image.rights))
        return refuse(Error::ArgumentInvalid,
                      "the region with the devicetree needs at least the right to read (flags 1; "
                      "7 is usual)");
    if (config_.dtb_offset > image.size || config_.dtb_size > image.size - config_.dtb_offset)
        return refuse(Error::ArgumentInvalid, "the devicetree's range leaves its region");
    return Error::Ok;
}

Error Vm::set_firmware_memory()
{
    if (state_ != VmState::Init)
        return Error::VmState;
    return refuse(Error::Denied,
                  "there is no protected-VM firmware in this emulation; leave out "
                  "GH_VM_ANDROID_SET_FW_CONFIG");
}

Error Vm::init(std::vector<std::byte> dtb)
{
    if (state_ != VmState::Init)
        return Error::VmState;
    dtb_ = std::move(dtb);
    const Error error = read_devicetree();
    state_ = error == Error::Ok ? VmState::Ready : VmState::InitFailed;
    return error;
}

Error Vm::read_devicetree()
{
    if (!is_aligned(config_.dtb_offset, kPage) || !is_aligned(config_.dtb_size, kPage))
        return refuse(
            Error::MemInvalid,
            "the devicetree's address and size, as given by GH_VM_SET_DTB_CONFIG, must be "
            "multiples of 4 KiB: it cannot be mapped otherwise");
    if (dtb_.size() > kMaxTree)
        return refuse(Error::NoResource, "the devicetree's totalsize is larger than 2 MiB");
    tree_ = std::make_unique<fdt::VmConfigTree>(
        fdt::read_vm_config(dtb_, {.max_cpus = kMaxCpus, .region_size = config_.dtb_size}));
    for (const fdt::Finding& finding : tree_->findings) {
        if (!finding.ends_start())
            log(finding.kind == fdt::Finding::Kind::Odd ? LogLevel::Info : LogLevel::Warn,
                "Resource Manager: %s: %s", finding.path.c_str(), finding.message.c_str());
        else if (finding.phase == fdt::Phase::Init)
            return refuse(finding);
    }
    for (const fdt::OtherVdevice& other : tree_->others)
        log(LogLevel::Warn,
            "Resource Manager: %s: a vdevice of type %s is not emulated; the guest "
            "gets no node for it",
            other.path.c_str(), other.type.c_str());
    return Error::Ok;
}

Error Vm::set_boot_register(std::uint32_t set, std::uint32_t index, std::uint64_t value)
{
    if (state_ != VmState::Ready)
        return Error::VmState;
    if (set == gunyah::GUNYAH_REG_SET_X && index < boot_.x.size()) {
        boot_.x[index] = value;
        x0_given_ = x0_given_ || index == 0;
    } else if (set == gunyah::GUNYAH_REG_SET_PC && index == 0 && is_aligned(value, 4)) {
        boot_.pc = value;
        pc_given_ = true;
    } else if (set == gunyah::GUNYAH_REG_SET_SP && index < 2 && is_aligned(value, 16)) {
        (index == 0 ? boot_.sp_el0 : boot_.sp_el1) = value;
    } else {
        return refuse(Error::ArgumentInvalid,
                      "GH_VM_SET_BOOT_CONTEXT: registers are X0..X30, PC (a multiple of 4), and "
                      "SP_EL0 and SP_EL1 (multiples of 16)");
    }
    return Error::Ok;
}

/// Of what the host's driver can use: a message queue or a doorbell that the guest rings is no use
/// to it. CPUs that failed (by their status) exist for nobody, and count for nothing.
std::vector<Resource> Vm::resources() const
{
    std::vector<Resource> all;
    unsigned running = 0;
    for (std::size_t i = 0; i < tree_->cpus.size(); ++i)
        if (tree_->cpus[i].status != fdt::CpuNode::Status::Failed)
            all.push_back({Resource::Type::Vcpu, static_cast<std::uint32_t>(i), running++});
    for (std::size_t i = 0; i < tree_->doorbells.size(); ++i)
        if (!tree_->doorbells[i].source)
            all.push_back(
                {Resource::Type::BellTx, tree_->doorbells[i].label, static_cast<unsigned>(i)});
    return all;
}

Error Vm::start(std::span<const HostPiece> memory, std::function<void(const hyp::VmExit&)> on_exit)
{
    if (state_ != VmState::Ready)
        return Error::VmState;
    Error error = check_start();
    if (error == Error::Ok)
        error = place_parcels();
    if (error == Error::Ok)
        error = patch_devicetree(memory);
    if (error == Error::Ok)
        error = make_hypervisor(memory, std::move(on_exit));
    state_ = error == Error::Ok ? VmState::Running : VmState::InitFailed;
    return error;
}

Error Vm::check_start() const
{
    const Parcel& image = config_.parcels[config_.image];
    if (policy_.production && (!image.lent || image.rights != kAllRights))
        return refuse(Error::NoResource,
                      "the region with the devicetree must be lent with read, write and execute "
                      "rights (flags 7), as phones demand; lend it, or run the Resource Manager in "
                      "its open manner");
    for (const fdt::Finding& finding : tree_->findings)
        if (finding.ends_start())
            return refuse(finding);
    return Error::Ok;
}

/// Decides where parcels go, by the rule that the kernel's way of giving memory brings with it.
Error Vm::place_parcels()
{
    const Parcel& image = config_.parcels[config_.image];
    if (policy_.addresses_honoured) {
        if (const auto refusal = check_addresses(*tree_, config_))
            return refuse(refusal->error, refusal->reason);
        if (tree_->base_address != raw(image.at))
            log(LogLevel::Warn,
                "Resource Manager: base-address is %#llx but the image's region is at %#llx: "
                "kernels before android15 place it at base-address",
                static_cast<unsigned long long>(tree_->base_address),
                static_cast<unsigned long long>(raw(image.at)));
        return Error::Ok;
    }
    std::vector<fdt::Parcel> parcels;
    for (const Parcel& parcel : config_.parcels)
        parcels.push_back({parcel.label, parcel.size, &parcel == &image, parcel.lent});
    const auto layout = fdt::place_parcels(*tree_, parcels);
    if (const fdt::Finding* const refusal = layout.refusal())
        return refuse(*refusal);
    for (std::size_t i = 0; i < parcels.size(); ++i) {
        Parcel& parcel = config_.parcels[i];
        if (parcel.at != Gpa{layout.at[i]})
            log(LogLevel::Warn,
                "Resource Manager: memory given for %#llx goes to %#llx: this generation heeds "
                "base-address and shm nodes alone",
                static_cast<unsigned long long>(raw(parcel.at)),
                static_cast<unsigned long long>(layout.at[i]));
        parcel.at = Gpa{layout.at[i]};
    }
    return Error::Ok;
}

/// The overlay goes over the devicetree in place.
Error Vm::patch_devicetree(std::span<const HostPiece> memory)
{
    const auto piece = std::find_if(memory.begin(), memory.end(), [&](const HostPiece& p) {
        return p.parcel == config_.image && p.offset <= config_.dtb_offset &&
               config_.dtb_offset - p.offset <= p.host.size() &&
               config_.dtb_size <= p.host.size() - (config_.dtb_offset - p.offset);
    });
    if (piece == memory.end() || !piece->host_writable)
        return refuse(Error::MemInvalid, "the devicetree's range is not all in writable memory");
    if (!tree_->patch_dtb)
        log(LogLevel::Info,
            "Resource Manager: no-dtb-patch is known to newer firmware only; patching");
    try {
        const auto patched = patch_tree(dtb_, *tree_, config_, vmid_, random_seed());
        if (patched.size() > config_.dtb_size)
            return refuse(Error::NoResource, "the patched devicetree does not fit its range of " +
                                                 std::to_string(config_.dtb_size) + " bytes");
        std::memcpy(piece->host.data() + (config_.dtb_offset - piece->offset), patched.data(),
                    patched.size());
    } catch (const gh::Error& failure) {
        return refuse(Error::NoResource, failure.what());
    }
    return Error::Ok;
}

hyp::BootContext Vm::boot_context() const
{
    hyp::BootContext boot = boot_;
    if (!pc_given_)
        boot.pc = raw(config_.parcels[config_.image].at);
    if (!x0_given_)
        boot.x[0] = raw(dtb_address());
    return boot;
}

Error Vm::make_hypervisor(std::span<const HostPiece> memory,
                          std::function<void(const hyp::VmExit&)> on_exit)
{
    hyp::VmConfig config = hypervisor_config(*tree_, policy_);
    config.boot = boot_context();
    for (const HostPiece& piece : memory) {
        const Parcel& parcel = config_.parcels[piece.parcel];
        if (rights_are_possible(parcel.rights))
            config.ram.push_back({parcel.at + piece.offset, piece.host,
                                  (parcel.rights & kWrite) != 0 && piece.host_writable,
                                  (parcel.rights & kExecute) != 0, parcel.lent});
    }
    if (tree_->rpc) {
        rpc_ = std::make_unique<RpcServer>(*tree_, vmid_);
        config.on_message = [this](hyp::MessageOwner& vm, unsigned queue) {
            if (queue == RpcLink::kFromGuest || queue == RpcLink::kToGuest)
                rpc_->run(vm);
        };
    }
    config.paging.on = pages_on_demand();
    for (const Parcel& parcel : config_.parcels)
        if (parcel.lent)
            config.paging.guests_alone.push_back({parcel.at, parcel.size});
    config.on_exit = [this, tell = std::move(on_exit)](hyp::VmExit exit) {
        if (!tree_->proxy)  // no VCPU_RUN tells of it
            log(LogLevel::Warn, "Resource Manager: VM %#x has ended: %s", unsigned{vmid_},
                gunyah::explain_end(exit.type));
        state_ = VmState::Exited;
        const bool by_platform = exit.type != kExitByRequest && exit.type != kExitByOwner;
        if (rpc_ && rpc_->crashed() && by_platform)
            exit.reason[kExitCode] = kSoftwareError;
        tell(exit);
    };
    try {
        hypervisor_ = std::make_unique<hyp::Vm>(std::move(config));
    } catch (const std::exception& failure) {  // also where the host has no thread or memory left
        return refuse(Error::NoMemory, failure.what());
    }
    return Error::Ok;
}

bool Vm::pages_on_demand() const noexcept
{
    return policy_.addresses_honoured && tree_->proxy;
}

void Vm::stop() noexcept
{
    if (state_ == VmState::Running)
        hypervisor_->stop();
}

Error Vm::reset() noexcept
{
    if (state_ != VmState::Exited && state_ != VmState::Ready && state_ != VmState::InitFailed)
        return Error::VmState;
    hypervisor_.reset();
    rpc_.reset();
    state_ = VmState::Reset;
    return Error::Ok;
}

}  // namespace gh::rm
