// SPDX-License-Identifier: BSD-3-Clause
#include "boot/kernel.h"

#include "base/bits.h"
#include "base/error.h"
#include "boot/decompress.h"
#include "memory/hex.h"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace gh::boot {
namespace {

constexpr std::uint64_t kBlock = 0x20'0000;
constexpr std::uint64_t kOldTextOffset = 0x8'0000;  // where image_size is 0 (before Linux 3.17)
constexpr std::size_t kHead = 4096;

Mapping map_whole(const std::string& path, const Fd& file)
{
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
        throw_errno("stat " + path);
    if (!S_ISREG(status.st_mode))
        throw Error(path + ": a kernel must be a regular file");
    if (status.st_size == 0)
        throw Error(path + ": the file is empty");
    return {path.c_str(), static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE,
            file.get()};
}

bool lies_in(const Extent& inner, const Extent& outer)
{
    const std::uint64_t offset = inner.at - outer.at;
    return offset <= outer.size && inner.size <= outer.size - offset;
}

}  // namespace

void load_file(const GuestMemory& memory, Gpa at, const FileRange& from, Placing placing)
{
    if (placing == Placing::Copy || !memory.map_file(at, from))
        memory.read_file(at, from);
}

Kernel::Kernel(std::string path, std::optional<std::uint64_t> flat_address)
    : path_(std::move(path)),
      file_(open_file(path_, O_RDONLY)),
      bytes_(map_whole(path_, file_)),
      size_(bytes_.size())
{
    if (flat_address) {
        form_ = Form::Flat;
        flat_address_ = *flat_address;
        return;
    }
    const Bytes file = bytes_.bytes();
    if (const auto payload = read_zboot(file)) {
        zboot_ = true;
        offset_ = payload->offset;
        size_ = payload->size;
        if (offset_ > file.size() || size_ > file.size() - offset_)
            refuse("the EFI zboot image is truncated: its payload ends at byte " +
                   std::to_string(offset_ + size_) + ", the file at " +
                   std::to_string(file.size()));
    }
    packing_ = packing_of(source());
    std::array<std::byte, kHead> head{};
    try {
        recognise(Bytes(head).first(decompress(packing_, source(), head, WhenFull::Stop)));
    } catch (const Error& error) {
        refuse(error.what());
    }
}

Bytes Kernel::source() const
{
    return bytes_.bytes().subspan(offset_, size_);
}

void Kernel::refuse(const std::string& why) const
{
    throw Error(path_ + ": " + why);
}

void Kernel::recognise(Bytes head)
{
    if (const auto header = read_arm64_header(head)) {
        form_ = Form::Image;
        header_ = *header;
        return check_image();
    }
    const std::string foreign = name_foreign(head);
    if (is_elf(head) && little(head, 18, 2) == 183 && packing_ == Packing::None) {
        form_ = Form::Elf;
        elf_ = read_elf(source(), size_);
        return;
    }
    const std::string packed =
        packing_ == Packing::None ? "" : std::string(" inside ") + name_of(packing_) + " data";
    if (!foreign.empty())
        throw Error("not an arm64 kernel but " + foreign + packed);
    throw Error(
        "not a kernel" + packed +
        ": neither an arm64 Image (no \"ARM\\x64\" at byte 56) nor an ELF file; a flat binary "
        "needs an address (\"kernel\": {\"path\", \"address\"})");
}

void Kernel::check_image() const
{
    const std::uint64_t end = packing_ == Packing::None ? pe_end(source()) : 0;
    if (end > size_)
        throw Error("the Image is truncated: its section table ends at byte " +
                    std::to_string(end) + ", the file at " + std::to_string(size_));
    if (header_.text_offset >= kBlock)
        throw Error("the Image's text_offset " + hex(header_.text_offset) + " is not below 2 MiB");
}

std::string Kernel::format() const
{
    switch (form_) {
    case Form::Flat: return "flat binary";
    case Form::Elf: return "AArch64 ELF";
    case Form::Image: break;
    }
    return std::string("arm64 Image") + (zboot_ ? " in EFI zboot" : "") +
           (packing_ == Packing::None ? "" : std::string(", ") + name_of(packing_));
}

KernelExtent Kernel::extent(const Extent& ram) const
{
    KernelExtent extent{{Gpa{flat_address_}, size_}, Gpa{flat_address_}};
    if (form_ == Form::Image)
        extent = image_extent(ram);
    else if (form_ == Form::Elf)
        extent = elf_extent(ram);
    if (!lies_in(extent.memory, ram))
        refuse("the kernel's " + hex(extent.memory.size) + " bytes at " +
               hex(raw(extent.memory.at)) + " are not all in RAM, which is " + hex(raw(ram.at)) +
               " to " + hex(raw(ram.end())));
    return extent;
}

KernelExtent Kernel::image_extent(const Extent& ram) const
{
    const bool old = header_.image_size == 0;
    const Gpa at = ram.at + (old ? kOldTextOffset : header_.text_offset);
    // image_size counts from text_offset; it may be missing, or a plain file may be larger.
    const std::uint64_t in_file = packing_ == Packing::None ? size_ : 0;
    const std::uint64_t guess = packing_ == Packing::None ? size_ : 4 * size_ + (16 << 20);
    const std::uint64_t size = old ? guess : std::max(header_.image_size, in_file);
    return {{at, size}, at};
}

bool Kernel::has_physical_addresses(const Extent& ram) const
{
    return std::all_of(elf_.segments.begin(), elf_.segments.end(), [&](const ElfSegment& segment) {
        return lies_in({Gpa{segment.physical_address}, segment.memory_size}, ram);
    });
}

/// Physical addresses count where they lie in RAM. A vmlinux has kernel virtual ones there: it goes
/// to the start of RAM, as far from it as it is linked from a 2 MiB boundary.
std::uint64_t Kernel::segment_address(const ElfSegment& segment, const Extent& ram) const
{
    if (has_physical_addresses(ram))
        return segment.physical_address;
    const auto lowest = std::min_element(
        elf_.segments.begin(), elf_.segments.end(),
        [](const auto& a, const auto& b) { return a.virtual_address < b.virtual_address; });
    return raw(ram.at) + segment.virtual_address - align_down(lowest->virtual_address, kBlock);
}

KernelExtent Kernel::elf_extent(const Extent& ram) const
{
    std::uint64_t low = ~std::uint64_t{0};
    std::uint64_t high = 0;
    std::optional<std::uint64_t> entry;
    for (const auto& segment : elf_.segments) {
        const std::uint64_t at = segment_address(segment, ram);
        low = std::min(low, at);
        high = std::max(high, at + segment.memory_size);
        if (elf_.entry - segment.virtual_address < segment.memory_size)
            entry = at + (elf_.entry - segment.virtual_address);
        else if (!entry && elf_.entry - at < segment.memory_size)
            entry = elf_.entry;
    }
    if (!entry)
        refuse("the ELF file's entry point " + hex(elf_.entry) + " lies in none of its segments");
    return {{Gpa{low}, high - low}, Gpa{*entry}};
}

void Kernel::load(const GuestMemory& memory, const Extent& ram, Placing placing) const
{
    if (form_ == Form::Elf)
        return load_elf(memory, ram, placing);
    const Extent there = extent(ram).memory;
    if (packing_ == Packing::None)
        return load_file(memory, there.at, {file_.get(), offset_, size_}, placing);
    const auto room = memory.range(there.at, there.size);
    GH_CHECK(room.has_value());
    try {
        (void)decompress(packing_, source(), *room, WhenFull::Refuse);
    } catch (const Error& error) {
        refuse(error.what());
    }
}

void Kernel::load_elf(const GuestMemory& memory, const Extent& ram, Placing placing) const
{
    for (const auto& segment : elf_.segments)
        load_file(memory, Gpa{segment_address(segment, ram)},
                  {file_.get(), segment.file_offset, segment.file_size}, placing);
}

}  // namespace gh::boot
