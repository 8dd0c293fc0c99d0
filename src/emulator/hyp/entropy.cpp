// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/entropy.h"

#include "base/error.h"

#include <sys/random.h>

namespace gh::hyp {

std::uint64_t random_word() noexcept
{
    std::uint64_t word = 0;
    // Requests of up to 256 bytes are never cut short (getrandom(2)); a signal may come first.
    while (::getrandom(&word, sizeof word, 0) != sizeof word)
        GH_CHECK(errno == EINTR);
    return word;
}

}  // namespace gh::hyp
