// SPDX-License-Identifier: BSD-3-Clause
#include "config/suggest.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace gh::config {
namespace {

constexpr std::size_t kLongest = 256;  // file names end here; the work is quadratic

std::string folded(std::string_view word)
{
    std::string result;
    for (const char c : word)
        result += c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

/// Insertions, deletions, replacements and swaps of neighbours between two words (the "optimal
/// string alignment" distance).
std::size_t distance(const std::string& a, const std::string& b)
{
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i)
        d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j)
        d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.size()][b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> choices)
{
    const std::string wanted = folded(word.substr(0, kLongest));
    const std::size_t limit = std::max<std::size_t>(1, wanted.size() / 3);
    std::pair best{limit + 1, std::size_t{0}};  // mistakes; of equals the one nearest in length
    std::string_view found;
    for (const auto choice : choices) {
        const std::size_t mistakes = distance(wanted, folded(choice.substr(0, kLongest)));
        const std::size_t longer = std::max(choice.size(), word.size());
        const std::pair rank{mistakes, longer - std::min(choice.size(), word.size())};
        // A word that shares no letter with a short choice is not near it.
        if (rank < best && mistakes < choice.size()) {
            best = rank;
            found = choice;
        }
    }
    return found;
}

}  // namespace gh::config
