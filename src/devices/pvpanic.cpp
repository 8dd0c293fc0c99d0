// SPDX-License-Identifier: BSD-3-Clause
#include "devices/pvpanic.h"

namespace gh {

std::uint64_t Pvpanic::read(MmioAccess access) noexcept
{
    return access.offset == 0 ? Panicked | CrashLoaded : 0;
}

void Pvpanic::write(MmioAccess access, std::uint64_t value) noexcept
{
    if (access.offset != 0)
        return;
    if ((value & CrashLoaded) != 0)
        host_.crash_loaded();
    else if ((value & Panicked) != 0)
        host_.panicked();
}

}  // namespace gh
