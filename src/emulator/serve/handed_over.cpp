// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/handed_over.h"

#include "base/log.h"

#include <cerrno>

#include <sys/mman.h>
#include <sys/syscall.h>

namespace gh::serve {
namespace {

int protection(const Vma& vma)
{
    return (vma.readable ? PROT_READ : 0) | (vma.writable ? PROT_WRITE : 0) |
           (vma.executable ? PROT_EXEC : 0);
}

}  // namespace

HandedOver::HandedOver(Conversation& conversation, const Fd& file)
    : there_(conversation.listener().hand_over(conversation.call(), file.get())),
      thread_(there_ >= 0 ? std::make_unique<BorrowedThread>(conversation) : nullptr)
{
    if (thread_ && thread_->error() == EBUSY)
        log(LogLevel::Warn,
            "memory of process %d cannot be given to a guest or taken back: its thread cannot "
            "be stopped; do not run it under a debugger or strace",
            conversation.call().thread);
}

HandedOver::~HandedOver()
{
    if (thread_ && thread_->error() == 0)
        (void)thread_->call(SYS_close, {static_cast<std::uint64_t>(there_)});
}

int HandedOver::error() const
{
    return thread_ ? thread_->error() : there_ == -ENOENT ? EINTR : -there_;
}

int HandedOver::replace(const Vma& vma, std::uint64_t offset)
{
    const long at = thread_->call(
        SYS_mmap,
        {vma.start, vma.end - vma.start, static_cast<std::uint64_t>(protection(vma)),
         MAP_SHARED | MAP_FIXED | MAP_NORESERVE, static_cast<std::uint64_t>(there_), offset});
    return static_cast<std::uint64_t>(at) == vma.start ? 0 : EFAULT;
}

}  // namespace gh::serve
