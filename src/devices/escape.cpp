// SPDX-License-Identifier: BSD-3-Clause
#include "devices/escape.h"

namespace gh {
namespace {

constexpr std::uint8_t kCtrlA = 0x01;

}  // namespace

EscapeFilter::Result EscapeFilter::filter(std::span<const std::uint8_t> typed)
{
    Result result;
    for (const std::uint8_t byte : typed) {
        if (escaped_)
            command(byte, result);
        else if (byte != kCtrlA)
            result.bytes.push_back(byte);
        escaped_ = !escaped_ && byte == kCtrlA;
    }
    return result;
}

// A key without a meaning is dropped: what it did not do is easier to see than what it did.
void EscapeFilter::command(std::uint8_t key, Result& result)
{
    switch (key) {
    case 'x':
    case 'X': result.end = true; return;
    case 'b': result.send_break = true; return;
    case '?':
    case 'h': result.help = true; return;
    case kCtrlA:
    case 'a': result.bytes.push_back(kCtrlA); return;
    default: return;
    }
}

}  // namespace gh
