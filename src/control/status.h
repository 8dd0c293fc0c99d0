// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gh::control {

/// What a vCPU has done since its machine was built.
struct VcpuStatus {
    std::uint64_t mmio_reads = 0;
    std::uint64_t mmio_writes = 0;
    std::uint64_t page_faults = 0;
    std::uint64_t interrupted = 0;  // runs that somebody here ended
    double cpu_seconds = 0;         // the host's time of its thread
};

/// A device with an interrupt line.
struct DeviceStatus {
    std::string name{};
    std::uint64_t interrupts = 0;
    std::uint64_t sent = 0;      // bytes from the guest; of a virtio device with the headers
    std::uint64_t received = 0;  // bytes to the guest
};

/// A serial line, or a port of the virtio console.
struct ConsoleStatus {
    std::string name{};          // as in the guest: "ttyS0", "hvc0", or the port's own
    std::string type{};          // as in gh-vmm.json(5)
    std::string path{};          // of a socket or a pty: where to find it; else empty
    std::uint64_t sent = 0;      // bytes from the guest
    std::uint64_t received = 0;  // bytes to the guest
};

/// What a VM says of itself. Counters begin anew with each restart.
struct Status {
    std::string name;
    std::int64_t pid = 0;
    std::string state;  // starting, running, paused, stopping, restarting, ended
    std::string why;    // of an ended one that is kept: how it ended
    bool ready = false;
    double uptime = 0;  // seconds since START; 0 if it does not run
    std::uint64_t memory = 0;
    std::uint64_t balloon = 0;  // bytes of it that the guest has given back
    std::uint64_t restarts = 0;
    std::string hypervisor;  // whose language the device speaks: "android15"
    std::vector<VcpuStatus> vcpus;
    std::vector<DeviceStatus> devices;
    std::vector<ConsoleStatus> consoles;
};

/// One line of JSON without its end, and back; what is missing stays as above. from_json throws
/// Error for what is no status.
[[nodiscard]] std::string to_json(const Status& status);
[[nodiscard]] Status status_from_json(const std::string& text);

/// The status in Prometheus' text format (version 0.0.4), each sample labelled with the VM's name.
[[nodiscard]] std::string metrics(const Status& status);

}  // namespace gh::control
