// SPDX-License-Identifier: BSD-3-Clause
#include "control/status.h"

#include "base/error.h"

#include <nlohmann/json.hpp>

namespace gh::control {

using json = nlohmann::json;

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(VcpuStatus, mmio_reads, mmio_writes, page_faults,
                                                interrupted, cpu_seconds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(DeviceStatus, name, interrupts, sent, received)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ConsoleStatus, name, type, path, sent, received)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Status, name, pid, state, why, ready, uptime,
                                                memory, balloon, restarts, hypervisor, vcpus,
                                                devices, consoles)

std::string to_json(const Status& status)
{
    return json(status).dump(-1, ' ', false, json::error_handler_t::replace);
}

Status status_from_json(const std::string& text)
{
    try {
        return json::parse(text).get<Status>();
    } catch (const json::exception& error) {
        throw Error(std::string("the VM's answer is not understood: ") + error.what());
    }
}

}  // namespace gh::control
