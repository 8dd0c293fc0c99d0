// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/packet.h"

#include <array>
#include <utility>

namespace gh::gdb {
namespace {

constexpr char kInterrupt = 0x03;
constexpr char kEscape = '}';
constexpr unsigned kFlip = 0x20;  // what an escaped byte is XORed with
constexpr std::string_view kDigits = "0123456789abcdef";

std::optional<unsigned> digit(char c)
{
    if (c >= '0' && c <= '9')
        return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f')
        return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return static_cast<unsigned>(c - 'A') + 10;
    return std::nullopt;
}

char flipped(char c)
{
    return static_cast<char>(static_cast<unsigned char>(c) ^ kFlip);
}

std::uint8_t sum_of(std::string_view text)
{
    unsigned sum = 0;
    for (const char c : text)
        sum += static_cast<unsigned char>(c);
    return static_cast<std::uint8_t>(sum);
}

std::string hex_byte(unsigned byte)
{
    return {kDigits[byte >> 4 & 0xf], kDigits[byte & 0xf]};
}

}  // namespace

std::optional<Incoming> PacketReader::next()
{
    std::size_t used = 0;
    std::optional<Incoming> found;
    while (!found && used < waiting_.size())
        found = take(waiting_[used++]);
    waiting_.erase(0, used);
    return found;
}

void PacketReader::begin()
{
    body_.clear();
    escaped_ = too_long_ = false;
    sum_ = 0;
    high_digit_.reset();
}

std::optional<Incoming> PacketReader::take(char byte)
{
    switch (state_) {
    case State::Outside:
        if (byte == '$') {
            begin();
            state_ = State::Body;
        }
        if (byte == kInterrupt)
            return Incoming{.kind = Incoming::Kind::Interrupt};
        if (byte == '-')
            return Incoming{.kind = Incoming::Kind::Resend};
        return std::nullopt;
    case State::Body:
        if (byte == '#') {
            state_ = State::Checksum;
            return std::nullopt;
        }
        if (byte == '$') {  // never within a packet: the one before was cut off
            begin();
            return std::nullopt;
        }
        sum_ = static_cast<std::uint8_t>(sum_ + static_cast<unsigned char>(byte));
        if (byte == kEscape && !escaped_) {
            escaped_ = true;
            return std::nullopt;
        }
        too_long_ = too_long_ || body_.size() == kMaxPacket;
        if (!too_long_)
            body_.push_back(escaped_ ? flipped(byte) : byte);
        escaped_ = false;
        return std::nullopt;
    case State::Checksum:
        if (!high_digit_) {
            high_digit_ = byte;
            return std::nullopt;
        }
        return finish(byte);
    }
    return std::nullopt;
}

std::optional<Incoming> PacketReader::finish(char low_digit)
{
    state_ = State::Outside;
    const auto high = digit(*high_digit_);
    const auto low = digit(low_digit);
    if (too_long_ || !high || !low || (*high << 4 | *low) != sum_)
        return Incoming{.kind = Incoming::Kind::Damaged};
    return Incoming{.kind = Incoming::Kind::Packet, .body = std::exchange(body_, {})};
}

std::string frame(std::string_view body)
{
    std::string escaped;
    for (const char c : body) {
        if (c == '$' || c == '#' || c == kEscape || c == '*') {
            escaped += kEscape;
            escaped += flipped(c);
        } else {
            escaped += c;
        }
    }
    return "$" + escaped + "#" + hex_byte(sum_of(escaped));
}

std::string to_hex(std::span<const std::byte> bytes)
{
    std::string text;
    text.reserve(2 * bytes.size());
    for (const std::byte byte : bytes)
        text += hex_byte(static_cast<unsigned>(byte));
    return text;
}

std::optional<std::string> from_hex(std::string_view digits)
{
    if (digits.size() % 2 != 0)
        return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const auto high = digit(digits[i]);
        const auto low = digit(digits[i + 1]);
        if (!high || !low)
            return std::nullopt;
        bytes.push_back(static_cast<char>(*high << 4 | *low));
    }
    return bytes;
}

std::optional<std::uint64_t> take_number(std::string_view& text)
{
    std::uint64_t value = 0;
    std::size_t digits = 0;
    while (digits < text.size() && digit(text[digits])) {
        if (digits == 16)
            return std::nullopt;
        value = value << 4 | *digit(text[digits++]);
    }
    text.remove_prefix(digits);
    return digits == 0 ? std::nullopt : std::optional(value);
}

}  // namespace gh::gdb
