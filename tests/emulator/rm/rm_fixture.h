// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../../fdt/probe_tree.h"
#include "../driver/scripted_hypervisor.h"
#include "base/log.h"
#include "emulator/rm/resource_manager.h"

#include <memory>
#include <vector>

namespace gh::test {

inline constexpr std::uint64_t kSize = 8ull << 20;
inline constexpr std::uint64_t kDtbOffset = 2ull << 20;

/// A VM of one parcel as a kernel would bring it up, message by message.
struct RmFixture {
    RmFixture()
    {
        set_log_level(LogLevel::Error);
        hypervisor().reset();
        (void)manager.allocate(vm);
    }

    [[nodiscard]] rm::ImageConfig config() const
    {
        return {.parcels = parcels, .image = 0, .dtb_offset = kDtbOffset, .dtb_size = dtb_size};
    }

    rm::Error start()
    {
        std::vector<rm::HostPiece> memory{{0, 0, ram, true}};
        return vm->start(memory, [this](const hyp::VmExit& exit) { exit_type = exit.type; });
    }

    rm::Error init(const fdt::Node& with) { return init_blob(fdt::flatten(with)); }
    rm::Error start_with(const fdt::Node& with) { return start_with_blob(fdt::flatten(with)); }

    rm::Error init_blob(std::vector<std::byte> blob)
    {
        vm.reset();
        rm::ResourceManager fresh{{}};
        (void)fresh.allocate(vm);
        const auto error = vm->configure(config());
        return error == rm::Error::Ok ? vm->init(std::move(blob)) : error;
    }
    rm::Error start_with_blob(std::vector<std::byte> blob)
    {
        const auto error = init_blob(std::move(blob));
        return error == rm::Error::Ok ? start() : error;
    }
    /// The devicetree as the guest finds it.
    [[nodiscard]] fdt::Bytes guest_tree() const { return fdt::Bytes(ram).subspan(kDtbOffset); }

    rm::ResourceManager manager{{}};
    std::shared_ptr<rm::Vm> vm;
    fdt::Node tree = fdt::probe_tree();
    std::vector<rm::Parcel> parcels{{Gpa{0x8000'0000}, kSize, 0, rm::kAllRights, true}};
    std::uint64_t dtb_size = 2ull << 20;
    std::vector<std::byte> ram{kSize};
    int exit_type = -1;
};

}  // namespace gh::test
