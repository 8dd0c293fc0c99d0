// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/device.h"
#include "emulator/serve/conversation.h"
#include "emulator/serve/listener.h"
#include "emulator/serve/stand_in.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <string>

#include <sys/stat.h>

namespace gh::driver {
class GuestMemory;
}

namespace gh::serve {

/// Answers the system calls of client processes that concern the emulated device, and lets all
/// others through. One thread receives; VCPU_RUN and START are done by threads of their own, so
/// that calls of many threads and processes are under way at once.
class Server {
public:
    /// `path`: where clients find the device.
    Server(Listener listener, const driver::DeviceOptions& options, std::string path);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Serves until no process has the filter any more (true), or until `interruption` is readable
    /// (false): then it can go on.
    [[nodiscard]] bool run(int interruption);

private:
    using Object = std::shared_ptr<StandIn>;
    /// What becomes of a call.
    struct Verdict {
        bool ours = false;  // else the kernel does it
        long value = 0;
        int error = 0;
    };

    void receive();
    Verdict decide(const Call& call);
    [[nodiscard]] Object object_of(const Call& call) const;

    // server_paths.cpp: calls that name the device
    [[nodiscard]] bool names_device(const Call& call, int directory, std::uint64_t path) const;
    bool open_device(const Call& call);
    Verdict access_device(const Call& call) const;
    Verdict stat_device(const Call& call) const;

    // server_files.cpp: calls on its descriptors
    bool close(const Call& call);
    void close_now(const Call& call);
    static Verdict seek(const Call& call);
    static Verdict map(const StandIn& object, const Call& call);
    static Verdict allocate(const StandIn& object, const Call& call);

    // server_ioctls.cpp
    bool control(const Call& call);
    void control_device(const Call& call);
    void control_file(const Object& object, const Call& call);
    void control_vcpu(const Object& object, const Call& call);
    void perform(const Object& object, const Call& call);
    void run_vcpu(StandIn& object, const Call& call);
    bool answer(Conversation& conversation, Kind made, gunyah::Reply reply);
    [[nodiscard]] std::shared_ptr<driver::Client> client_of(pid_t process);

    void bury_closed();
    /// Strand::add to that of an object, counted until it is done.
    [[nodiscard]] bool later(const Object& object, std::function<void()> task);
    void await_burials() noexcept;
    void interrupt_forsaken();

    Listener listener_;
    const std::string path_;
    driver::Machine machine_;
    StandIns stand_ins_;
    std::map<pid_t, std::weak_ptr<driver::Client>> clients_;

    struct Running {
        Object object;
        const Conversation* active = nullptr;  // once it has got past those before it
    };
    std::mutex running_mutex_;
    std::map<std::uint64_t, Running> running_;  // VCPU_RUNs under way, by id of the call
    std::mutex burial_mutex_;
    std::condition_variable buried_;
    unsigned tasks_ = 0;             // that strands of objects have to do
    unsigned burials_ = 0;           // objects that are closed and not gone yet
    Strand closer_{"gunyah-close"};  // closes for clients: one after the other
};

/// The guest memory that a file is of; null if it is something else.
[[nodiscard]] driver::GuestMemory* guest_memory(gunyah::File* file) noexcept;

/// What fstat says of the device and of its descriptors, as far as it differs from a memfd's.
void amend(struct stat& info, Kind kind) noexcept;

}  // namespace gh::serve
