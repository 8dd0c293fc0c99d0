// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/session.h"

#include "emulator/gdb/actions.h"
#include "emulator/gdb/arguments.h"
#include "emulator/gdb/packet.h"
#include "emulator/gdb/registers.h"
#include "emulator/gdb/stop_points.h"

#include <algorithm>
#include <utility>

namespace gh::gdb {
namespace {

using Order = hyp::Debugger::Order;

constexpr const char* kOk = "OK";
constexpr const char* kUnknown = "";  // the packet is not supported
constexpr const char* kMalformed = "E01";
constexpr const char* kNoMemory = "E0e";  // EFAULT, as servers that run programs say
constexpr std::size_t kMostBytes = kMaxPacket / 2;

std::span<const std::byte> bytes_of(const std::string& text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

Session::Session(hyp::Debugger& debugger, const MachineHooks& hooks)
    : debugger_(debugger), hooks_(hooks)
{
    debugger_.stop();
}

Session::~Session()
{
    if (!detached_)
        (void)detach();
}

std::string Session::detach()
{
    debugger_.stop();
    (void)debugger_.set_stop_points({});
    debugger_.resume(Orders(debugger_.vcpus(), Order::Go));
    detached_ = over_ = true;
    return kOk;
}

void Session::interrupt()
{
    if (awaits_stop_)
        debugger_.stop();
}

std::optional<std::string> Session::stop_reply()
{
    if (!awaits_stop_)
        return std::nullopt;
    if (debugger_.ended() || debugger_.vcpus() == 0) {
        awaits_stop_ = false;
        over_ = detached_ = true;
        return "W00";
    }
    const auto stop = debugger_.stopped();
    if (!stop)
        return std::nullopt;
    awaits_stop_ = false;
    return describe(*stop);
}

/// GDB means the vCPU that is told of from then on.
std::string Session::describe(const hyp::Debugger::Stop& stop)
{
    vcpu_ = stop.vcpu;
    using Reason = cpu::DebugStop::Reason;
    const char* const signal = stop.why.reason == Reason::Asked ? "T02" : "T05";
    std::string text = signal + std::string("thread:") + thread_of(stop.vcpu) + ";";
    if (stop.why.reason == Reason::Watchpoint) {
        const auto& watch = stop.why.watch;
        const char* const kind = !watch.on_read ? "watch" : watch.on_write ? "awatch" : "rwatch";
        text += std::string(kind) + ":" + hex_number(stop.why.address) + ";";
    }
    return text;
}

std::optional<std::string> Session::answer(std::string_view packet)
{
    if (packet.empty())
        return kUnknown;
    const char command = packet.front();
    const std::string_view rest = packet.substr(1);
    if (awaits_stop_)
        return kMalformed;  // all-stop: nothing but Ctrl-C may come now
    switch (command) {
    case '?': {
        const auto stop = debugger_.stopped();
        return stop ? describe(*stop) : "W00";
    }
    case 'q': return query(rest);
    case 'Q': return set(rest);
    case 'H': return choose_thread(rest);
    case 'T': {
        std::string_view thread = rest;
        return take_vcpu(thread, debugger_.vcpus(), vcpu_) ? kOk : kMalformed;
    }
    case 'g':
    case 'G':
    case 'p': return registers(packet);
    case 'P': return write_register(rest);
    case 'm': return read_memory(rest);
    case 'M': return write_memory(rest, false);
    case 'X': return write_memory(rest, true);
    case 'Z': return change_point(rest, Insert::Yes);
    case 'z': return change_point(rest, Insert::No);
    case 'c':
    case 's': return resume(packet);
    case 'v': return v_packet(rest);
    case 'D': return detach();
    case 'k':
        over_ = true;
        hooks_.kill();
        return std::nullopt;
    default: return kUnknown;
    }
}

std::string Session::query(std::string_view packet)
{
    if (take(packet, "Supported"))
        return features(packet);
    if (take(packet, "Xfer:features:read:target.xml:"))
        return transfer(packet);
    if (packet == "C")
        return "QC" + thread_of(vcpu_);
    if (packet == "fThreadInfo") {
        std::string list;
        for (unsigned n = 0; n < debugger_.vcpus(); ++n)
            list += (n == 0 ? "m" : ",") + thread_of(n);
        return list.empty() ? "l" : list;
    }
    if (packet == "sThreadInfo")
        return "l";
    if (take(packet, "ThreadExtraInfo,"))
        return thread_info(packet);
    if (packet == "Attached")
        return "1";
    if (take(packet, "Rcmd,"))
        return monitor(packet);
    if (packet == "Symbol::")
        return kOk;
    return kUnknown;
}

std::string Session::set(std::string_view packet)
{
    if (packet != "StartNoAckMode")
        return kUnknown;
    without_acks_ = true;
    return kOk;
}

std::string Session::features(std::string_view)
{
    return "PacketSize=" + hex_number(kMaxPacket) +
           ";qXfer:features:read+;QStartNoAckMode+;vContSupported+";
}

std::string Session::transfer(std::string_view packet)
{
    const auto part = take_range(packet);
    if (!part || !packet.empty())
        return kMalformed;
    const std::string& text = target_description();
    if (part->address >= text.size())
        return "l";
    const std::string piece = text.substr(part->address, std::min(part->length, kMostBytes));
    return (part->address + piece.size() < text.size() ? "m" : "l") + piece;
}

std::string Session::thread_info(std::string_view packet)
{
    const auto vcpu = take_vcpu(packet, debugger_.vcpus(), vcpu_);
    if (!vcpu)
        return kMalformed;
    std::string text = "vCPU " + std::to_string(*vcpu);
    (void)debugger_.with(*vcpu,
                         [&text](cpu::Cpu& pe) { text += ", EL" + std::to_string(pe.state().el); });
    return to_hex(bytes_of(text));
}

std::string Session::monitor(std::string_view digits)
{
    const auto command = from_hex(digits);
    if (!command)
        return kMalformed;
    if (!hooks_.monitor)
        return kUnknown;
    const std::string text = hooks_.monitor(*command);
    return text.empty() ? kOk : to_hex(bytes_of(text));
}

/// Hg: whose registers; Hc: who goes, which is for `c` and `s` alone, and -1 is all.
std::string Session::choose_thread(std::string_view packet)
{
    if (packet.empty())
        return kMalformed;
    const char what = packet.front();
    packet.remove_prefix(1);
    if (packet == "-1")
        return kOk;
    const auto vcpu = take_vcpu(packet, debugger_.vcpus(), vcpu_);
    if (!vcpu || !packet.empty())
        return kMalformed;
    if (what == 'g')
        vcpu_ = *vcpu;
    return kOk;
}

std::string Session::registers(std::string_view packet)
{
    std::string reply = kMalformed;
    std::string_view rest = packet.substr(1);
    (void)debugger_.with(vcpu_, [&](cpu::Cpu& pe) {
        if (packet == "g")
            reply = read_registers(pe);
        else if (packet.front() == 'G' && write_registers(pe, rest))
            reply = kOk;
        else if (packet.front() == 'p')
            if (const auto number = take_number(rest); number && rest.empty())
                reply = gdb::read_register(pe, *number).value_or(kMalformed);
    });
    return reply;
}

std::string Session::write_register(std::string_view packet)
{
    const auto number = take_number(packet);
    if (!number || !take(packet, "="))
        return kMalformed;
    bool written = false;
    (void)debugger_.with(vcpu_,
                         [&](cpu::Cpu& pe) { written = gdb::write_register(pe, *number, packet); });
    return written ? kOk : kMalformed;
}

std::string Session::read_memory(std::string_view packet)
{
    const auto range = take_range(packet);
    if (!range || !packet.empty())
        return kMalformed;
    std::vector<std::byte> bytes(std::min<std::uint64_t>(range->length, kMostBytes));
    const std::size_t there = debugger_.read_memory(vcpu_, range->address, bytes);
    if (there == 0 && !bytes.empty())
        return kNoMemory;
    return to_hex(std::span(bytes).first(there));
}

std::string Session::write_memory(std::string_view packet, bool binary)
{
    const auto range = take_range(packet);
    if (!range || !take(packet, ":"))
        return kMalformed;
    const auto bytes = binary ? std::optional(std::string(packet)) : from_hex(packet);
    if (!bytes || bytes->size() != range->length)
        return kMalformed;
    const std::size_t there = debugger_.write_memory(vcpu_, range->address, bytes_of(*bytes));
    return there == bytes->size() ? kOk : kNoMemory;
}

/// "type,address,kind".
std::string Session::change_point(std::string_view packet, Insert insert)
{
    const auto type = take_number(packet);
    if (!type || *type > kLastPointType)
        return kUnknown;
    if (!take(packet, ","))
        return kMalformed;
    const auto range = take_range(packet);
    if (!range || !packet.empty())
        return kMalformed;
    auto points = changed(points_, {static_cast<unsigned>(*type), *range}, insert);
    if (!points || !debugger_.set_stop_points(*points))
        return kMalformed;
    points_ = std::move(*points);
    return kOk;
}

/// `c` and `s`, without an address: the chosen vCPU steps, or all go.
std::optional<std::string> Session::resume(std::string_view packet)
{
    if (packet.size() != 1)
        return kMalformed;
    Orders orders(debugger_.vcpus(), Order::Go);
    if (packet == "s" && vcpu_ < orders.size())
        orders[vcpu_] = Order::Step;
    return let_go(orders);
}

std::optional<std::string> Session::v_packet(std::string_view packet)
{
    if (packet == "Cont?")
        return "vCont;c;C;s;S";
    if (take(packet, "Kill")) {
        hooks_.kill();
        over_ = true;
        return kOk;
    }
    if (!take(packet, "Cont"))
        return kUnknown;
    const auto orders = parse_actions(packet, debugger_.vcpus(), vcpu_);
    return orders ? let_go(*orders) : kMalformed;
}

std::optional<std::string> Session::let_go(const Orders& orders)
{
    awaits_stop_ = true;
    debugger_.resume(orders);
    return std::nullopt;
}

}  // namespace gh::gdb
