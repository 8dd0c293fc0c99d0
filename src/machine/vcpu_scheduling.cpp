// SPDX-License-Identifier: BSD-3-Clause
#include "machine/vcpu_scheduling.h"

#include "base/error.h"
#include "config/processors.h"

#include <string>

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

}  // namespace

void schedule_vcpu_thread(const config::Cpus& cpus, unsigned id)
{
    if (!cpus.affinity.empty())
        bind_to(cpus.affinity.size() == 1 ? cpus.affinity.front() : cpus.affinity.at(id));
    if (cpus.nice != 0 && ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()),
                                        static_cast<int>(cpus.nice)) != 0)
        throw_errno("cpus.nice: set " + std::to_string(cpus.nice));
}

}  // namespace gh::machine
