// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/rpc_server.h"

#include "base/log.h"
#include "emulator/rm/capabilities.h"
#include "emulator/rm/rpc_messages.h"
#include "emulator/rm/vm.h"
#include "fdt/vm_config.h"

#include <algorithm>
#include <cstring>

namespace gh::rm {
namespace {

constexpr std::uint32_t kHostType = 0x0100'0164;  // AArch64, Gunyah with RM, version 1
constexpr std::uint32_t kRunning = 3;             // the guest is, or it could not ask
constexpr std::uint16_t kVmidManager = 0xff;
constexpr std::size_t kTextMax = 79;
constexpr std::size_t kCrashMessageMax = 192;
constexpr std::array<std::uint8_t, 4> kExitCodes{0, 1, 3, 4};  // normal, software, bus, device

constexpr std::string_view kSigner = "N/A";  // nobody authenticates here

bool equal(std::string_view text, std::span<const std::byte> bytes)
{
    return std::ranges::equal(bytes_of(text), bytes);
}

/// "12345678-1234-..." in sixteen bytes; the devicetree's reader has checked it. None: zeros.
std::array<std::byte, 16> parse_guid(const std::string& text)
{
    std::array<std::byte, 16> guid{};
    std::string digits = text;
    std::erase(digits, '-');
    for (std::size_t i = 0; i < guid.size() && 2 * i + 1 < digits.size(); ++i)
        guid[i] = std::byte(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
    return guid;
}

}  // namespace

RpcServer::RpcServer(const fdt::VmConfigTree& tree, std::uint16_t vmid)
    : vms_{Identity{vmid, parse_guid(tree.vm_guid), tree.image_name, tree.vm_uri},
           Identity{kVmidHost, {}, "HLOS", ""}},
      has_console_(tree.rpc && tree.rpc->console),
      link_([this](hyp::MessageOwner& vm, std::uint32_t id, Bytes request) {
          return answer(vm, id, request);
      })
{
    enum : std::uint8_t { BELL_TX = 0, BELL_RX = 1, MSGQ_TX = 2, MSGQ_RX = 3 };
    const Capabilities capabilities(tree);
    for (std::size_t i = 0; i < tree.doorbells.size(); ++i) {
        const fdt::DoorbellNode& bell = tree.doorbells[i];
        resources_.push_back({bell.source ? BELL_TX : BELL_RX, bell.label, capabilities.doorbell(i),
                              bell.interrupt.intid});
    }
    for (std::size_t i = 0; i < tree.queues.size(); ++i) {
        const fdt::QueueNode& queue = tree.queues[i];
        std::uint64_t capability = capabilities.queue(i);
        if (queue.sends)
            resources_.push_back({MSGQ_TX, queue.label, capability++, queue.not_full.intid});
        if (queue.receives)
            resources_.push_back({MSGQ_RX, queue.label, capability, queue.not_empty.intid});
    }
}

RpcServer::Payload RpcServer::answer(hyp::MessageOwner& vm, std::uint32_t id, Bytes request)
{
    const auto nothing_asked = [&](std::initializer_list<std::uint32_t> words) {
        return request.empty() ? reply(Error::Ok, words) : reply(Error::MessageInvalid);
    };
    switch (id) {
    case VM_HOST_GET_TYPE: return nothing_asked({kHostType});
    case VM_GET_VMID: return nothing_asked({vms_[0].vmid});
    case VM_GET_OWNER: return nothing_asked({kVmidHost});
    case VM_GET_PEERS: return nothing_asked({1, kVmidHost});
    case VM_GET_STATE: return get_state(request);
    case VM_GET_ID: return get_id(request);
    case VM_GET_HYP_RESOURCES: return get_hyp_resources(request);
    case VM_LOOKUP_URI:
        return look_up_text(request,
                            [](const Identity& it, Bytes key) { return equal(it.uri, key); });
    case VM_LOOKUP_NAME:
        return look_up_text(request,
                            [](const Identity& it, Bytes key) { return equal(it.name, key); });
    case VM_LOOKUP_GUID:
        if (request.size() != vms_[0].guid.size())
            return reply(request.empty() ? Error::ArgumentInvalid : Error::MessageInvalid);
        return look_up(request, [](const Identity& it, Bytes key) {
            return std::ranges::equal(it.guid, key);
        });
    case VM_EXIT: return reply(exit(vm, request));
    case VM_SET_CRASH_MSG: return reply(set_crash_message(request));
    case VM_CONSOLE_OPEN:
    case VM_CONSOLE_CLOSE:
    case VM_CONSOLE_WRITE:
    case VM_CONSOLE_FLUSH: return reply(console(id, request));
    case VM_ALLOCATE:    // the host's
    case VM_SET_STATUS:  // of VMs with a vmid of their own
        return reply(Error::Denied);
    case VM_DEALLOCATE:
    case VM_START: return reply(for_owner(request, 4, Error::Denied));
    case VM_STOP: return reply(for_owner(request, 8, Error::VmidInvalid));
    case VM_RESET:
    case VM_GET_CRASH_MSG: return reply(for_owner(request, 4, Error::VmidInvalid));
    case VM_SET_TIME_BASE: return reply(for_owner(request, 20, Error::VmState));
    case VM_SET_FIRMWARE_MEM: return reply(for_owner(request, 24, Error::VmState));
    default: return reply(Error::Unimplemented);
    }
}

/// The guest itself (0 or its number) or the host; nobody else lets it ask.
const RpcServer::Identity* RpcServer::find(std::uint16_t vmid) const
{
    for (const Identity& it : vms_)
        if (it.vmid == (vmid == 0 ? vms_[0].vmid : vmid))
            return &it;
    return nullptr;
}

/// Messages to VMs that the guest owns, of which there are none.
Error RpcServer::for_owner(Bytes request, std::size_t size, Error not_owner) const
{
    if (request.size() != size)
        return Error::MessageInvalid;
    return find(get<std::uint16_t>(request, 0)) != nullptr ? not_owner : Error::VmidInvalid;
}

RpcServer::Payload RpcServer::get_state(Bytes request) const
{
    if (request.size() != 4)
        return reply(Error::MessageInvalid);
    const auto vmid = get<std::uint16_t>(request, 0);
    if (find(vmid) != nullptr)
        return reply(Error::Ok, {kRunning});
    return reply(vmid == kVmidManager ? Error::Denied : Error::NoResource);
}

RpcServer::Payload RpcServer::get_id(Bytes request) const
{
    if (request.size() != 4)
        return reply(Error::MessageInvalid);
    const Identity* const it = find(get<std::uint16_t>(request, 0));
    if (it == nullptr)
        return reply(Error::NoResource);
    const std::uint32_t count = 2u + (it->name.empty() ? 0u : 1u) + (it->uri.empty() ? 0u : 1u);
    Payload out = reply(Error::Ok, {count});
    put_id(out, kIdGuid, it->guid);
    if (!it->name.empty())
        put_id(out, kIdName, bytes_of(it->name));
    if (!it->uri.empty())
        put_id(out, kIdUri, bytes_of(it->uri));
    put_id(out, kIdSigner, bytes_of(kSigner));
    return out;
}

template <class Is>
RpcServer::Payload RpcServer::look_up(Bytes key, Is is) const
{
    const auto count = std::ranges::count_if(vms_, [&](const auto& it) { return is(it, key); });
    Payload out = reply(Error::Ok, {static_cast<std::uint32_t>(count)});
    for (const Identity& it : vms_)
        if (is(it, key))
            put(out, std::uint32_t{it.vmid});
    return out;
}

template <class Is>
RpcServer::Payload RpcServer::look_up_text(Bytes request, Is is) const
{
    if (request.empty())
        return reply(Error::ArgumentInvalid);
    if (request.size() >= 2 && get<std::uint16_t>(request, 0) > kTextMax)
        return reply(Error::ArgumentInvalid);
    const auto key = get_text(request);
    return key ? look_up(*key, is) : reply(Error::MessageInvalid);
}

/// What links the guest to that VM; all of it leads to the host.
RpcServer::Payload RpcServer::get_hyp_resources(Bytes request) const
{
    if (request.size() != 4)
        return reply(Error::MessageInvalid);
    const auto vmid = get<std::uint16_t>(request, 0);
    if (vmid == 0 || find(vmid) == nullptr)
        return reply(Error::VmidInvalid);
    if (vmid != kVmidHost)
        return reply(Error::Ok, {0});
    Payload out = reply(Error::Ok, {static_cast<std::uint32_t>(resources_.size())});
    for (const Resource& resource : resources_) {
        put(out, std::uint16_t{resource.type});
        put(out, vmid);
        put(out, std::uint32_t{0});  // handle
        put(out, resource.label);
        put(out, resource.capability);
        put(out, std::uint32_t{0});  // handle of the interrupt
        put(out, resource.virq);
        put(out, std::uint64_t{0});  // base
        put(out, std::uint64_t{0});  // size
    }
    return out;
}

/// The guest ends: type 0, with its own flags and code.
Error RpcServer::exit(hyp::MessageOwner& vm, Bytes request)
{
    if (request.size() != 4)
        return Error::MessageInvalid;
    const auto code = get<std::uint8_t>(request, 2);
    if (request[3] != std::byte{} || std::ranges::count(kExitCodes, code) == 0)
        return Error::MessageInvalid;
    hyp::VmExit how{.type = 0, .reason_size = 4, .reason = {}};
    std::memcpy(how.reason.data(), request.data(), 3);
    vm.end(how);
    return Error::Ok;
}

Error RpcServer::set_crash_message(Bytes request)
{
    const auto text = get_text(request);
    if (!text)
        return Error::MessageInvalid;
    std::string printable;
    for (const std::byte b : text->first(std::min(text->size(), kCrashMessageMax))) {
        const char c = std::to_integer<char>(b);
        printable += c >= ' ' && c <= '~' ? c : '.';
    }
    if (!crashed_.exchange(true))  // once: no guest fills a disk
        log(LogLevel::Warn, "Resource Manager: the guest says of its crash: %s", printable.c_str());
    return Error::Ok;
}

/// The host's driver opens no console, and what is written to one whose other end is closed is
/// dropped.
Error RpcServer::console(std::uint32_t id, Bytes request)
{
    const bool write = id == VM_CONSOLE_WRITE;
    if (request.size() < 4 || request.size() != (write ? 4u + get<std::uint16_t>(request, 2) : 4u))
        return Error::MessageInvalid;
    const auto target = get<std::uint16_t>(request, 0);
    if (!has_console_ || (target != 0 && target != vms_[0].vmid))
        return Error::ArgumentInvalid;
    if (target != 0)
        return Error::Denied;  // the owner's way to name it
    if (id == VM_CONSOLE_OPEN || id == VM_CONSOLE_CLOSE)
        console_open_ = id == VM_CONSOLE_OPEN;
    else if (!console_open_)
        return Error::Denied;
    return Error::Ok;
}

}  // namespace gh::rm
