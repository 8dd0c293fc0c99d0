// SPDX-License-Identifier: BSD-3-Clause
#include "oracle.h"

#include "base/error.h"
#include "base/pipe.h"

#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gh::differential {
Oracle::Oracle(const std::vector<std::string>& runner, const std::string& program)
    : memfd_(make_memfd("differential-batch", sizeof(Batch))),
      memory_("the batch", sizeof(Batch), PROT_READ | PROT_WRITE, MAP_SHARED, memfd_.get())
{
    auto [child_in, to] = make_pipe();
    auto [from, child_out] = make_pipe();
    if (!to || !from)
        throw_errno("pipe");
    std::vector<std::string> words = runner;
    words.push_back(program);
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ < 0)
        throw_errno("fork");
    if (pid_ == 0) {
        ::dup2(child_in.get(), 0);
        ::dup2(child_out.get(), 1);
        ::dup2(memfd_.get(), 10);  // 3 may be one of the others
        ::dup2(10, 3);
        // Addresses out of nowhere shall be mapped in none of the runs, not in one of a thousand.
        // Where the host forbids it, that one is what remains.
        static_cast<void>(::personality(ADDR_NO_RANDOMIZE));
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    to_ = std::move(to);
    from_ = std::move(from);
}

Oracle::~Oracle()
{
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Oracle::start(std::uint32_t count)
{
    if (::write(to_.get(), &count, sizeof(count)) != sizeof(count))
        throw_errno("write to the oracle");
}

void Oracle::wait()
{
    pollfd waiting{from_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 30'000) == 0)
        throw Error("the oracle does not answer: a case loops");
    std::uint32_t answer = 0;
    if (::read(from_.get(), &answer, sizeof(answer)) != sizeof(answer))
        throw Error("the oracle died");
}

}  // namespace gh::differential
