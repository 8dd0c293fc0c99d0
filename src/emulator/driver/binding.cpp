// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/binding.h"

#include "base/bits.h"
#include "base/log.h"
#include "emulator/driver/memory_map.h"
#include "gunyah/uapi.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace gh::driver {

using namespace gunyah;

namespace {

/// How much comes in at once. What is lent leaves its owner, who may still want its neighbours: a
/// huge page's worth, as the kernel's folios may be. That memory is shared, nobody notices.
constexpr std::uint64_t kLentWindow = 2u << 20;
constexpr std::uint64_t kSharedWindow = 64u << 20;

/// The part [from, from + bytes) of `whole`, which holds it.
Given part_of(const Given& whole, std::uint64_t from, std::uint64_t bytes)
{
    Given part = whole;
    part.offset = from;
    part.host = whole.host.subspan(from - whole.offset, bytes);
    return part;
}

void append(std::vector<Given>& parts, const Given& part)
{
    if (part.host.empty())
        return;
    Given* const last = parts.empty() ? nullptr : &parts.back();
    if (last != nullptr && last->view == part.view && last->end() == part.offset &&
        last->host.data() + last->host.size() == part.host.data() &&
        last->host_writable == part.host_writable)
        last->host = {last->host.data(), last->host.size() + part.host.size()};
    else
        parts.push_back(part);
}

}  // namespace

/// As the kernel compares, wrapped ends included.
bool Binding::meets(Gpa other, std::uint64_t other_size) const noexcept
{
    return raw(at) <= raw(other) + (other_size - 1) && raw(other) <= raw(last());
}

bool Binding::read(const Client& client, std::uint64_t from, std::span<std::byte> to) const noexcept
{
    const auto part = std::find_if(given.begin(), given.end(), [&](const Given& one) {
        return from >= one.offset && from < one.end() && to.size() <= one.end() - from;
    });
    if (part != given.end()) {
        std::ranges::copy(part->host.subspan(from - part->offset, to.size()), to.begin());
        return true;
    }
    return memory ? memory->read(offset + from, to) : client.read(address + from, to);
}

int Binding::prepare(Client& client)
{
    if (memory || whole || client.gives_on_demand({address, size}, lent))
        return 0;
    Shown shown;
    const int error = show(client, 0, size, shown);
    whole = std::move(shown.view);
    return error;
}

int Binding::show(Client& client, std::uint64_t from, std::uint64_t bytes, Shown& shown) const
{
    if (whole) {
        shown = {whole, 0};
        return 0;
    }
    std::unique_ptr<GuestView> view;
    const ClientRange range{address + from, bytes};
    const int error = memory ? memory->give({offset + from, bytes}, lent, client, view)
                      : lent ? client.lend(range, view)
                             : client.share(range, view);
    if (error == EINVAL && !memory)
        log(LogLevel::Warn,
            "the memory behind guest address %#llx is given to a guest already: memory that is "
            "lent belongs to one VM and one region alone",
            static_cast<unsigned long long>(raw(at + from)));
    shown = {std::move(view), from};
    return error;
}

hyp::RamRange Binding::ram(const Given& part) const noexcept
{
    return {.at = at + part.offset,
            .host = part.host,
            .writable = (rights & GH_MEM_ALLOW_WRITE) != 0 && part.host_writable,
            .executable = (rights & GH_MEM_ALLOW_EXEC) != 0,
            .guests_alone = lent};
}

/// What of [from, from + bytes) is there: how many bytes.
std::uint64_t Binding::keep(const Shown& shown, std::uint64_t from, std::uint64_t bytes,
                            hyp::Vm* hypervisor)
{
    std::uint64_t kept = 0;
    for (const Piece& piece : shown.view->pieces()) {
        const std::uint64_t begin = shown.at + piece.offset;
        const std::uint64_t first = std::clamp(from, begin, begin + piece.host.size());
        const std::uint64_t last = std::clamp(from + bytes, first, begin + piece.host.size());
        if (first == last)
            continue;
        const Given part{first, piece.host.subspan(first - begin, last - first),
                         piece.host_writable, shown.view, shown.at};
        const auto next =
            std::lower_bound(given.begin(), given.end(), part,
                             [](const Given& a, const Given& b) { return a.offset < b.offset; });
        given.insert(next, part);
        if (hypervisor != nullptr)
            hypervisor->map(ram(part));
        kept += part.host.size();
    }
    return kept;
}

std::vector<Given>::iterator Binding::find(std::uint64_t from) noexcept
{
    return std::find_if(given.begin(), given.end(),
                        [&](const Given& one) { return from < one.end(); });
}

/// In the kernel's order: it counts, pins, and looks at what it has pinned.
int Binding::give_gap(Client& client, std::uint64_t from, std::uint64_t bytes, hyp::Vm* hypervisor)
{
    if (counted && !client.lock(bytes))
        return ENOMEM;
    Shown shown;
    const bool suits = !counted || client.is_swap_backed({address + from, bytes});
    const int error = suits ? show(client, from, bytes, shown) : EIO;
    const std::uint64_t kept = error == 0 ? keep(shown, from, bytes, hypervisor) : 0;
    if (counted)
        client.unlock(bytes - kept);
    return error;
}

int Binding::give(Client& client, std::uint64_t from, std::uint64_t bytes, hyp::Vm* hypervisor)
{
    const std::uint64_t end = from + bytes;
    while (from < end) {
        const auto next = find(from);
        const std::uint64_t gap_end =
            next == given.end() ? end : std::min(end, std::max(from, next->offset));
        const std::uint64_t after = next == given.end() ? end : next->end();
        if (gap_end > from)
            if (const int error = give_gap(client, from, gap_end - from, hypervisor))
                return error;
        from = after;
    }
    return 0;
}

/// What comes in with the page at `from`: as much of its window as lies in one gap.
ClientRange Binding::window(std::uint64_t from) noexcept
{
    const std::uint64_t most = lent ? kLentWindow : kSharedWindow;
    const std::uint64_t address_of_window = align_down(raw(at + from), most);
    std::uint64_t begin = address_of_window > raw(at) ? address_of_window - raw(at) : 0;
    std::uint64_t end = std::min(size, address_of_window + most - raw(at));
    const auto next = find(from);
    if (next != given.end())
        end = std::min(end, next->offset);
    if (next != given.begin())
        begin = std::max(begin, std::prev(next)->end());
    return {begin, end - begin};
}

int Binding::page_in(Client& client, std::uint64_t from, bool neighbours, hyp::FaultAccess access,
                     hyp::Vm& hypervisor)
{
    if (access == hyp::FaultAccess::Write && (rights & GH_MEM_ALLOW_WRITE) == 0)
        return EPERM;
    from = align_down(from, page_size());
    const auto has = find(from);
    if (has != given.end() && has->offset <= from)
        return page_in_again(*has, from, access, hypervisor);
    const ClientRange around = neighbours ? window(from) : ClientRange{from, page_size()};
    int error = give(client, around.address, around.size, &hypervisor);
    if (error != 0 && neighbours && error != EINTR)  // perhaps it is a neighbour's fault
        error = give(client, from, page_size(), &hypervisor);
    if (error != 0)
        return error;
    const auto found = find(from);
    return found != given.end() && found->offset <= from ? 0 : EFAULT;
}

/// The page is ours to give: the guest has released it, another vCPU has had it brought in, or it
/// does not allow the access. Of the last the kernel's driver makes an endless loop where the guest
/// executes: we say EPERM.
int Binding::page_in_again(const Given& part, std::uint64_t from, hyp::FaultAccess access,
                           hyp::Vm& hypervisor) const
{
    const Given page = part_of(part, from, page_size());
    if (!hypervisor.has_any({at + from, page_size()})) {
        hypervisor.map(ram(page));
        return 0;
    }
    const hyp::RamRange allowed = ram(page);
    if (access == hyp::FaultAccess::Write && !allowed.writable)
        return EFAULT;
    return access == hyp::FaultAccess::Execute && !allowed.executable ? EPERM : 0;
}

int Binding::take(Client& client, std::uint64_t from, std::uint64_t bytes, hyp::Vm* hypervisor)
{
    const std::uint64_t end = from + bytes;
    int result = 0;
    std::vector<Given> kept;
    for (const Given& one : given) {
        const std::uint64_t first = std::clamp(from, one.offset, one.end());
        const std::uint64_t last = std::clamp(end, first, one.end());
        append(kept, part_of(one, one.offset, first - one.offset));
        if (const int error =
                take_part(client, part_of(one, first, last - first), hypervisor, kept))
            result = error;
        append(kept, part_of(one, last, one.end() - last));
    }
    given = std::move(kept);
    return result;
}

/// What cannot be taken goes to `kept`.
int Binding::take_part(Client& client, const Given& part, hyp::Vm* hypervisor,
                       std::vector<Given>& kept) const
{
    if (part.host.empty())
        return 0;
    const hyp::MemoryRange range{at + part.offset, part.host.size()};
    if (hypervisor != nullptr && lent && part.host.size() > page_size() &&
        hypervisor->has_any(range)) {
        int result = 0;
        for (std::uint64_t page = part.offset; page < part.end(); page += page_size())
            if (const int error =
                    take_part(client, part_of(part, page, page_size()), hypervisor, kept))
                result = error;
        return result;
    }
    int error = hypervisor == nullptr || (lent && hypervisor->has_any(range)) ? EBUSY : 0;
    if (error == 0) {
        hypervisor->unmap(range);
        if (part.view != whole)
            error = part.view->give_back(part.offset - part.view_at, part.host.size());
    }
    if (error != 0)
        append(kept, part);
    else if (counted)
        client.unlock(part.host.size());
    return error;
}

void Binding::give_back_all(Client& client) noexcept
{
    if (counted)
        client.unlock(given_bytes());
    given.clear();
    whole.reset();
}

std::uint64_t Binding::given_bytes() const noexcept
{
    std::uint64_t bytes = 0;
    for (const Given& part : given)
        bytes += part.host.size();
    return bytes;
}

void Binding::cut_head(std::uint64_t bytes)
{
    at = at + bytes;
    offset += bytes;
    size -= bytes;
    for (Given& part : given) {
        part.offset -= bytes;
        part.view_at -= bytes;  // may wrap: differences are what counts
    }
}

}  // namespace gh::driver
