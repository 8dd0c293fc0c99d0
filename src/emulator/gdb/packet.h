// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gh::gdb {

/// The most that the body of a packet may hold (PacketSize).
inline constexpr std::size_t kMaxPacket = 0x4000;

/// What came over the wire.
struct Incoming {
    enum class Kind : std::uint8_t {
        Packet,     // `body`, unescaped, its checksum right
        Interrupt,  // Ctrl-C: the byte 0x03 outside a packet
        Damaged,    // a packet whose checksum is wrong or that is too long: to be sent again
        Resend,     // the other side says the same of ours
    };
    Kind kind = Kind::Packet;
    std::string body{};
};

/// Takes the remote serial protocol's stream apart (GDB manual, "Overview" of appendix E.1). Bytes
/// outside packets that mean nothing are skipped.
class PacketReader {
public:
    void add(std::span<const char> bytes) { waiting_.append(bytes.data(), bytes.size()); }
    /// The next of what has come whole.
    [[nodiscard]] std::optional<Incoming> next();

private:
    enum class State : std::uint8_t { Outside, Body, Checksum };

    std::optional<Incoming> take(char byte);
    std::optional<Incoming> finish(char low_digit);
    void begin();

    std::string waiting_;
    State state_ = State::Outside;
    std::string body_;
    bool escaped_ = false;
    bool too_long_ = false;
    std::uint8_t sum_ = 0;
    std::optional<char> high_digit_;
};

/// "$body#checksum", with what must be escaped.
[[nodiscard]] std::string frame(std::string_view body);

/// Lower-case digits, two for each byte.
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
/// Nothing if it is not all pairs of digits.
[[nodiscard]] std::optional<std::string> from_hex(std::string_view digits);
/// A number of 1 to 16 digits that ends before the first that is none, taken off `text`.
[[nodiscard]] std::optional<std::uint64_t> take_number(std::string_view& text);

}  // namespace gh::gdb
