// SPDX-License-Identifier: BSD-3-Clause
#include "machine/vcpu_scheduling.h"

#include "base/error.h"
#include "base/fd.h"
#include "config/processors.h"

#include <string>

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace gh::machine {
namespace {

void bind_to(const std::string& processors)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const unsigned number :
         config::parse_processors(processors).value_or(std::vector<unsigned>{}))
        CPU_SET(number, &set);
    if (::sched_setaffinity(0, sizeof(set), &set) != 0)
        throw_errno("cpus.affinity: run a vCPU on the processors " + processors +
                    ": none of them is here and allowed (see nproc and taskset -p)");
}

/// Version 2 of control groups takes threads by cgroup.threads, where a group is threaded; version
/// 1 by tasks.
void join(const std::string& group)
{
    const std::string modern = group + "/cgroup.threads";
    const std::string path = ::access(modern.c_str(), F_OK) == 0 ? modern : group + "/tasks";
    const Fd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    const std::string id = std::to_string(::gettid());
    if (!file || ::write(file.get(), id.data(), id.size()) < 0)
        throw_errno("cpus.cgroup: move a vCPU's thread to " + path +
                    (errno == EOPNOTSUPP
                         ? ": the group takes whole processes only; write threaded to "
                           "its cgroup.type"
                         : ""));
}

}  // namespace

void schedule_vcpu_thread(const config::Cpus& cpus, unsigned id)
{
    if (!cpus.affinity.empty())
        bind_to(cpus.affinity.size() == 1 ? cpus.affinity.front() : cpus.affinity.at(id));
    if (cpus.nice != 0 && ::setpriority(PRIO_PROCESS, 0, static_cast<int>(cpus.nice)) != 0)
        throw_errno("cpus.nice: set " + std::to_string(cpus.nice));
    if (cpus.cgroup)
        join(*cpus.cgroup);
}

}  // namespace gh::machine
