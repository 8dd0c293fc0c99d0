// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace gh::gunyah {

class File;

/// What an ioctl answers. `error` is 0 or a positive errno. A request that makes a descriptor
/// (CREATE_VM, ADD_FUNCTION of a vCPU) answers it in `file`.
struct Reply {
    int error = 0;
    long value = 0;
    std::unique_ptr<File> file;
};

/// The Device contract: an open file of the /dev/gunyah family (the device, a VM, a vCPU), whether
/// the kernel's or the built-in emulated one. Closing is destruction, and order matters to the
/// driver: vCPU files and their run pages first, then the VM.
class File {
public:
    File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    virtual ~File() = default;

    /// `argument` is what ioctl(2) would carry: a pointer or a number, as the request says. Never
    /// retries by itself. Any thread; VCPU_RUN blocks its caller.
    virtual Reply ioctl(std::uint32_t request, std::uintptr_t argument) noexcept = 0;

    /// The page a vCPU shares with its VMM (mmap of a vCPU file); it lives as long as this object.
    /// Throws Error where there is none. Size as VCPU_MMAP_SIZE said.
    virtual std::byte* map_run_page(std::size_t size) = 0;

    /// Makes a VCPU_RUN that another thread is in, or about to enter, answer EINTR soon, as a
    /// signal would. Any thread.
    virtual void interrupt() noexcept = 0;

    /// Takes back an interrupt() that no VCPU_RUN has answered to, if there is one. In the thread
    /// that runs the vCPU, between two runs. Files of no vCPU have none.
    virtual void forget_interrupt() noexcept {}

    /// The descriptor could not be given to the client (its table was full): what made it did not
    /// happen. Called at once, by whom it was made for, or never.
    virtual void abandon() noexcept {}

    /// The memory that mmap of this descriptor shows, as a memfd of its own: how another process
    /// comes to see it. -1 where mmap is ENODEV, and for the kernel's files, which map themselves.
    [[nodiscard]] virtual int memory_fd() const noexcept { return -1; }
};

/// The device cannot be opened, or is none that gh-vmm can speak to.
class NoSuchDevice : public Error {
public:
    using Error::Error;
};

/// Opens the kernel's device at `path`; the emulated one is made in emulator/. Throws NoSuchDevice.
[[nodiscard]] std::unique_ptr<File> open_kernel_device(const char* path);

}  // namespace gh::gunyah
