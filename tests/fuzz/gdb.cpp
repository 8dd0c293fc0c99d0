// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: what a debugger sends, to a conversation about a VM whose vCPUs nobody drives, so that
// letting it go runs nothing.
#include "../emulator/hyp/guest.h"
#include "base/error.h"
#include "emulator/gdb/packet.h"
#include "emulator/gdb/session.h"

namespace {

struct Stage : gh::hyp::Guest {
    Stage()
    {
        engine = gh::hyp::Engine::Interpreter;
        put(gh::hyp::kSpin);
        debugger = std::make_shared<gh::hyp::Debugger>(gh::hyp::Debugger::Beginning::Stopped);
        start(2, true);
    }
    const gh::gdb::MachineHooks hooks{
        .kill = [] {}, .monitor = [](std::string_view command) { return std::string(command); }};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static Stage stage;
    gh::gdb::Session session(*stage.debugger, stage.hooks);
    gh::gdb::PacketReader reader;
    reader.add(std::span(reinterpret_cast<const char*>(data), size));
    // Sums that are right come by chance too seldom: each line is also a packet as it stands.
    std::string_view text(reinterpret_cast<const char*>(data), size);
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        reader.add(gh::gdb::frame(line));
    }
    while (const auto incoming = reader.next()) {
        if (incoming->kind == gh::gdb::Incoming::Kind::Packet)
            if (const auto reply = session.answer(incoming->body))
                GH_CHECK(reply->size() <= gh::gdb::kMaxPacket + 1);
        session.interrupt();
        (void)session.stop_reply();
        if (session.over())
            break;
    }
    return 0;
}
