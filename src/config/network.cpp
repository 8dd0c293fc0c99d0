// SPDX-License-Identifier: BSD-3-Clause
#include "config/network.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string_view>

#include <netinet/in.h>

#include <arpa/inet.h>

namespace gh::config {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
// What passt offers, and where it is fastest: 64 KiB of IP, less what makes it a multiple of 4.
constexpr std::uint32_t kUserMtu = 65520;

/// The same every time for a VM of that name, and hardly ever that of another; its first byte says
/// that nobody has assigned it (IEEE 802: locally administered).
std::string derived_address(const std::string& name, std::size_t index)
{
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;  // FNV-1a
    for (const char letter : name + "/net" + std::to_string(index))
        hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100'0000'01b3;
    std::string mac = "02";
    for (unsigned shift = 24; shift < 64; shift += 8) {
        const std::uint64_t byte = hash >> shift & 0xff;
        mac += {':', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return mac;
}

}  // namespace

void complete_card(Net& net, const std::string& name, std::size_t index)
{
    if (net.type == NetType::User && !net.tap.empty())
        net.type = NetType::Tap;
    if (net.type == NetType::User && net.fd)
        net.type = NetType::Fd;
    if (net.mac.empty())
        net.mac = derived_address(name, index);
    std::transform(net.mac.begin(), net.mac.end(), net.mac.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    if (net.mtu == 0 && net.type == NetType::User)
        net.mtu = kUserMtu;
    for (Forward& forward : net.forward)
        if (forward.guest == 0)
            forward.guest = forward.host;
}

bool is_card_address(const std::string& mac)
{
    for (std::size_t i = 0; i < mac.size(); ++i)
        if (i % 3 == 2 ? mac[i] != ':' : kDigits.find(mac[i]) == std::string_view::npos)
            return false;
    return mac.size() == 17 && kDigits.find(mac[1]) % 2 == 0;
}

bool is_host_address(const std::string& address)
{
    in6_addr bytes{};
    return ::inet_pton(AF_INET, address.c_str(), &bytes) == 1 ||
           ::inet_pton(AF_INET6, address.c_str(), &bytes) == 1;
}

}  // namespace gh::config
