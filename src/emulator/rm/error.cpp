// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/error.h"

#include <cerrno>

namespace gh::rm {

int errno_of(Error error) noexcept
{
    switch (error) {
    case Error::Ok: return 0;
    case Error::NoMemory: return ENOMEM;
    case Error::NoResource: return ENODEV;
    case Error::Denied: return EPERM;
    case Error::Busy: return EBUSY;
    case Error::MessageInvalid:
    case Error::ArgumentInvalid:
    case Error::HandleInvalid:
    case Error::MemInvalid:
    case Error::MemInUse:
    case Error::VmidInvalid:
    case Error::IrqInUse: return EINVAL;
    case Error::VmState: return EBADMSG;
    case Error::Unimplemented: return EOPNOTSUPP;
    }
    return EBADMSG;
}

}  // namespace gh::rm
