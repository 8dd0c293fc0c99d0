// SPDX-License-Identifier: BSD-3-Clause
#include "devices/mmio_bus.h"

#include "base/error.h"

#include <iterator>

namespace gh {

void MmioBus::attach(std::string name, Gpa at, std::uint64_t size, Device& device)
{
    const std::uint64_t base = raw(at);
    const std::uint64_t last = base + size - 1;
    if (size == 0 || last < base)
        throw Error(name + ": empty or wrapping MMIO range");
    if (const auto above = slots_.upper_bound(last); above != slots_.begin()) {
        const auto& [other_base, other] = *std::prev(above);
        if (other_base + (other.size - 1) >= base)
            throw Error(name + ": its MMIO range overlaps " + other.name);
    }
    slots_[base] = {.name = std::move(name), .size = size, .device = &device};
}

std::optional<std::uint64_t> MmioBus::read(Gpa at, unsigned size) const noexcept
{
    const Found found = find(at, size);
    if (found.device == nullptr)
        return std::nullopt;
    const std::scoped_lock lock(found.device->door());
    return found.device->read(found.access);
}

bool MmioBus::write(Gpa at, unsigned size, std::uint64_t value) const noexcept
{
    const Found found = find(at, size);
    if (found.device == nullptr)
        return false;
    const std::scoped_lock lock(found.device->door());
    found.device->write(found.access, value);
    return true;
}

MmioBus::Found MmioBus::find(Gpa at, unsigned size) const noexcept
{
    const bool known = size == 1 || size == 2 || size == 4 || size == 8;
    const auto above = slots_.upper_bound(raw(at));
    if (!known || above == slots_.begin())
        return {};
    const auto& [base, slot] = *std::prev(above);
    const std::uint64_t offset = raw(at) - base;
    if (offset >= slot.size || size > slot.size - offset || raw(at) % size != 0)
        return {};
    return {.device = slot.device, .access = {.offset = offset, .size = size}};
}

}  // namespace gh
