// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/stand_in.h"

#include <algorithm>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include <fcntl.h>

namespace gh::serve {
namespace {

std::shared_ptr<StandIn> make()
{
    return std::make_shared<StandIn>(Kind::Device);
}

bool contains(const std::vector<std::shared_ptr<StandIn>>& all, const std::shared_ptr<StandIn>& one)
{
    return std::find(all.begin(), all.end(), one) != all.end();
}

std::size_t longest_queue()
{
    std::size_t length = 16384;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> length;
    return length;
}

}  // namespace

TEST_CASE("a stand-in is found by its inode until its last descriptor is closed")
{
    StandIns all;
    const auto object = make();
    Fd fd = all.open(object, O_RDWR);
    REQUIRE(fd);
    struct stat info {};
    REQUIRE(::fstat(fd.get(), &info) == 0);
    CHECK(all.find(info) == object);
    Fd copy{::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)};
    fd = Fd{};
    CHECK(all.closed().empty());
    copy = Fd{};
    CHECK(contains(all.closed(), object));
    CHECK(all.find(info) == nullptr);
}

TEST_CASE("a close for which the kernel had no room in its queue is found all the same")
{
    StandIns all;
    const auto noisy = make();
    const auto other = make();
    const auto object = make();
    const auto open = make();
    const Fd one = all.open(noisy, O_RDWR);
    const Fd two = all.open(other, O_RDWR);
    Fd fd = all.open(object, O_RDWR);
    const Fd kept = all.open(open, O_RDWR);
    // By turns: neighbours that say the same are told as one.
    for (std::size_t i = 0; i <= longest_queue() / 2; ++i)
        for (const Fd* const file : {&one, &two})
            (void)open_file("/proc/self/fd/" + std::to_string(file->get()), O_RDWR);
    fd = Fd{};
    const auto gone = all.closed();
    CHECK(contains(gone, object));
    CHECK_FALSE(contains(gone, open));
    struct stat info {};
    REQUIRE(::fstat(kept.get(), &info) == 0);
    CHECK(all.find(info) == open);
}

}  // namespace gh::serve
