// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "base/mapping.h"
#include "devices/virtio/dma_memory.h"
#include "devices/virtio/queue.h"

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include <sys/mman.h>

/// The guest's side of virtqueues, as a driver writes it, right or wrong.
namespace gh::virtio {

inline constexpr std::uint16_t kNext = 1;
inline constexpr std::uint16_t kWrite = 2;
inline constexpr std::uint16_t kIndirect = 4;

/// A guest's memory: a megabyte that is shared, and behind it a page that may only be read. Around
/// it nothing is mapped.
class Ram {
public:
    static constexpr std::uint64_t kBase = 0x8000'0000;
    static constexpr std::uint64_t kSize = 0x10'0000;
    static constexpr std::uint64_t kReadOnly = kBase + kSize;
    static constexpr std::uint64_t kPage = 0x1000;

    Ram()
    {
        GH_CHECK(::mmap(bytes_.data() + kPage, kSize + kPage, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED, file_.get(), 0) != MAP_FAILED);
    }
    [[nodiscard]] const DmaMemory& memory() const { return memory_; }
    [[nodiscard]] std::byte* at(std::uint64_t address) const
    {
        return bytes_.data() + kPage + (address - kBase);
    }
    template <class T>
    void put(std::uint64_t address, T value) const
    {
        std::memcpy(at(address), &value, sizeof value);
    }
    template <class T>
    [[nodiscard]] T get(std::uint64_t address) const
    {
        T value;
        std::memcpy(&value, at(address), sizeof value);
        return value;
    }
    void put_text(std::uint64_t address, const std::string& text) const
    {
        std::memcpy(at(address), text.data(), text.size());
    }
    [[nodiscard]] std::string text(std::uint64_t address, std::size_t size) const
    {
        return {reinterpret_cast<const char*>(at(address)), size};
    }

private:
    Fd file_ = make_memfd("test memory", kSize + kPage);
    Mapping bytes_{"test memory", kSize + 3 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS};
    DmaMemory memory_{std::vector<DmaWindow>{
        {Gpa{kBase}, bytes_.bytes().subspan(kPage, kSize), true, file_.get(), 0},
        {Gpa{kReadOnly}, bytes_.bytes().subspan(kPage + kSize, kPage), false, file_.get(), kSize},
    }};
};

/// The driver's side of one queue, whose rings lie in the first 64 KiB after `at`.
class Ring {
public:
    Ring(const Ram& ram, std::uint16_t size, std::uint64_t at = Ram::kBase)
        : ram_(ram), size_(size), at_(at)
    {
    }

    [[nodiscard]] std::uint64_t descriptors() const { return at_; }
    [[nodiscard]] std::uint64_t available() const { return at_ + 0x4000; }
    [[nodiscard]] std::uint64_t used() const { return at_ + 0x8000; }
    [[nodiscard]] QueueSetup setup(bool event_index = false) const
    {
        return {size_, Gpa{descriptors()}, Gpa{available()}, Gpa{used()}, true, event_index};
    }

    /// Entry `index` of the table at `table`.
    void describe_in(std::uint64_t table, unsigned index, std::uint64_t address,
                     std::uint32_t length, std::uint16_t flags = 0, std::uint16_t next = 0) const
    {
        const std::uint64_t entry = table + 16u * index;
        ram_.put(entry, address);
        ram_.put(entry + 8, length);
        ram_.put(entry + 12, flags);
        ram_.put(entry + 14, next);
    }
    void describe(unsigned index, std::uint64_t address, std::uint32_t length,
                  std::uint16_t flags = 0, std::uint16_t next = 0) const
    {
        describe_in(descriptors(), index, address, length, flags, next);
    }

    /// Makes a chain available.
    void offer(std::uint16_t head)
    {
        ram_.put<std::uint16_t>(available() + 4 + 2u * (index_ % size_), head);
        set_index(static_cast<std::uint16_t>(index_ + 1));
    }
    void set_index(std::uint16_t index)
    {
        index_ = index;
        std::atomic_ref(*reinterpret_cast<std::uint16_t*>(ram_.at(available() + 2))).store(index_);
    }
    /// As a driver leaves its rings before it brings the device up.
    void forget_all()
    {
        std::memset(ram_.at(at_), 0, 0xc000);
        index_ = 0;
    }
    void set_flags(std::uint16_t flags) const { ram_.put(available(), flags); }
    void set_used_event(std::uint16_t index) const
    {
        ram_.put(available() + 4 + 2u * size_, index);
    }

    [[nodiscard]] std::uint16_t used_index() const
    {
        return std::atomic_ref(*reinterpret_cast<std::uint16_t*>(ram_.at(used() + 2))).load();
    }
    [[nodiscard]] std::uint16_t used_flags() const
    {
        return std::atomic_ref(*reinterpret_cast<std::uint16_t*>(ram_.at(used()))).load();
    }
    [[nodiscard]] std::uint16_t available_event() const
    {
        return ram_.get<std::uint16_t>(used() + 4 + 8u * size_);
    }
    [[nodiscard]] std::uint32_t used_id(unsigned slot) const
    {
        return ram_.get<std::uint32_t>(used() + 4 + 8u * slot);
    }
    [[nodiscard]] std::uint32_t used_length(unsigned slot) const
    {
        return ram_.get<std::uint32_t>(used() + 8 + 8u * slot);
    }

private:
    const Ram& ram_;
    std::uint16_t size_;
    std::uint64_t at_;
    std::uint16_t index_ = 0;
};

}  // namespace gh::virtio
