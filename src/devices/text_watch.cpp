// SPDX-License-Identifier: BSD-3-Clause
#include "devices/text_watch.h"

#include "base/error.h"

#include <utility>

namespace gh {

TextWatch::TextWatch(std::string text) : text_(std::move(text)), shorter_(text_.size() + 1)
{
    GH_CHECK(!text_.empty());
    for (std::size_t length = 2, start = 0; length <= text_.size(); ++length) {
        while (start > 0 && text_[length - 1] != text_[start])
            start = shorter_[start];
        if (text_[length - 1] == text_[start])
            ++start;
        shorter_[length] = start;
    }
}

bool TextWatch::feed(std::uint8_t byte) noexcept
{
    const char c = static_cast<char>(byte);
    while (matched_ > 0 && text_[matched_] != c)
        matched_ = shorter_[matched_];
    if (text_[matched_] == c)
        ++matched_;
    if (matched_ < text_.size())
        return false;
    matched_ = shorter_[matched_];
    return true;
}

}  // namespace gh
