// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/slots.h"

#include <array>
#include <string_view>

/// The keys of devices that a list or a key of its own has in the file: keys.cpp puts them there.
/// The words of an enumeration stand in its order.
namespace gh::config {

inline constexpr std::array<std::string_view, 3> kDiskIos{"auto", "uring", "threads"};
inline constexpr std::array<std::string_view, 3> kNetTypes{"user", "tap", "fd"};
inline constexpr std::array<std::string_view, 2> kProtocols{"tcp", "udp"};
inline constexpr std::array<std::string_view, 5> kSerialTypes{"stdio", "file", "socket", "pty",
                                                              "null"};
inline constexpr std::array<std::string_view, 2> kAlsoPortName{"port", "label"};
inline constexpr std::array<std::string_view, 3> kAlsoPath{"image", "file", "path_on_host"};
inline constexpr std::array<std::string_view, 3> kAlsoReadonly{"read_only", "is_read_only", "ro"};
inline constexpr std::array<std::string_view, 3> kAlsoDirect{"o_direct", "cache", "direct_io"};
inline constexpr std::array<std::string_view, 2> kAlsoDiskSerial{"id", "drive_id"};
inline constexpr std::array<std::string_view, 2> kAlsoQueues{"num_queues", "queue_count"};
inline constexpr std::array<std::string_view, 4> kAlsoTap{"tap_name", "host_dev_name", "ifname",
                                                          "interface"};
inline constexpr std::array<std::string_view, 3> kAlsoFd{"fds", "tap_fd", "socket"};
inline constexpr std::array<std::string_view, 2> kAlsoMac{"guest_mac", "mac_address"};
inline constexpr std::array<std::string_view, 4> kAlsoForward{"hostfwd", "forwards", "port_forward",
                                                              "ports"};
inline constexpr std::array<std::string_view, 3> kAlsoTag{"mount_tag", "label", "name"};
inline constexpr std::array<std::string_view, 5> kAlsoFolderPath{
    "source", "shared_dir", "directory", "folder", "host_path"};
inline constexpr std::array<std::string_view, 3> kAlsoFolderSocket{"vhost_user", "socket_path",
                                                                   "vhost_socket"};
inline constexpr std::array<std::string_view, 2> kAlsoCid{"guest_cid", "context_id"};
inline constexpr std::array<std::string_view, 2> kAlsoUds{"uds_path", "uds"};
inline constexpr std::array<std::string_view, 2> kAlsoBalloonSize{"amount", "amount_mib"};
inline constexpr std::array<std::string_view, 3> kAlsoDiskIo{"aio", "io_engine", "async_executor"};

inline constexpr std::array kSerialKeys{
    Key{.name = "type",
        .kind = Kind::Choice,
        .slot = kValue<&Serial::type>,
        .help = "What the line is connected to: the terminal gh-vmm runs in, a file (output only), "
                "a unix socket that gh-vmm listens on, a new pseudo-terminal, or nothing.",
        .required = true,
        .choices = kSerialTypes},
    Key{.name = "path",
        .kind = Kind::Path,
        .slot = kValue<&Serial::path>,
        .help = "The file or socket to make; of a pty: a symbolic link to make to it."},
};
inline constexpr Key kSerial{.kind = Kind::Object, .members = kSerialKeys, .short_form = "type"};

inline constexpr std::array kConsoleKeys{
    kSerialKeys[0],
    kSerialKeys[1],
    Key{.name = "name",
        .kind = Kind::Text,
        .slot = kValue<&Serial::name>,
        .help = "Makes it a port that programs open, /dev/virtio-ports/NAME. Without it: a "
                "console, hvc0 and so on.",
        .range = {1, 63},
        .also = kAlsoPortName},
};
inline constexpr Key kConsole{.kind = Kind::Object, .members = kConsoleKeys, .short_form = "type"};

inline constexpr std::array kDiskKeys{
    Key{.name = "path",
        .kind = Kind::Path,
        .slot = kValue<&Disk::path>,
        .help = "The raw image: a file or a block device.",
        .required = true,
        .also = kAlsoPath,
        .file = FileUse::Read},
    Key{.name = "readonly",
        .kind = Kind::Flag,
        .slot = kValue<&Disk::readonly>,
        .help = "Let nothing be written.",
        .also = kAlsoReadonly},
    Key{.name = "direct",
        .kind = Kind::Flag,
        .slot = kValue<&Disk::direct>,
        .help = "Go past the host's page cache (O_DIRECT).",
        .also = kAlsoDirect},
    Key{.name = "lock",
        .kind = Kind::Flag,
        .slot = kValue<&Disk::lock>,
        .help = "Keep other programs that lock from using the image meanwhile; several may read "
                "it where all do no more than that."},
    Key{.name = "serial",
        .kind = Kind::Text,
        .slot = kValue<&Disk::serial>,
        .help = "What the guest finds as the disk's serial number, as in "
                "/dev/disk/by-id/virtio-SERIAL.",
        .range = {1, 20},
        .note = "virtio's limit",
        .also = kAlsoDiskSerial},
    Key{.name = "queues",
        .kind = Kind::Number,
        .slot = kValue<&Disk::queues>,
        .help = "How many queues of requests the disk has, each in a thread of the host's.",
        .range = {1, 8},
        .also = kAlsoQueues},
    Key{.name = "io",
        .kind = Kind::Choice,
        .slot = kValue<&Disk::io>,
        .help =
            "What works on the requests: the host's io_uring on all of a queue side by side, or "
            "the queue's thread on one after the other; `auto` is io_uring where there is one.",
        .choices = kDiskIos,
        .also = kAlsoDiskIo},
};
inline constexpr Key kDisk{.kind = Kind::Object, .members = kDiskKeys, .short_form = "path"};

inline constexpr std::array kForwardKeys{
    Key{.name = "host",
        .kind = Kind::Number,
        .slot = kValue<&Forward::host>,
        .help = "The host's port.",
        .required = true,
        .range = {1, 65535}},
    Key{.name = "guest",
        .kind = Kind::Number,
        .slot = kValue<&Forward::guest>,
        .help = "The guest's port. Without it: the same.",
        .range = {1, 65535}},
    Key{.name = "proto",
        .kind = Kind::Choice,
        .slot = kValue<&Forward::proto>,
        .help = "The protocol.",
        .choices = kProtocols},
    Key{.name = "address",
        .kind = Kind::Text,
        .slot = kValue<&Forward::address>,
        .help = "The host's address that the port belongs to; 0.0.0.0 is all of them.",
        .range = {2, 45}},
};
inline constexpr Key kForward{.kind = Kind::Object, .members = kForwardKeys, .short_form = "host"};

inline constexpr std::array kNetKeys{
    Key{.name = "type",
        .kind = Kind::Choice,
        .slot = kValue<&Net::type>,
        .help = "What the card leads to: the host's network as this user has it (user, by "
                "passt), an interface of the host's (tap), or an open file (fd).",
        .choices = kNetTypes},
    Key{.name = "tap",
        .kind = Kind::Text,
        .slot = kValue<&Net::tap>,
        .help = "The tap's name. Means type tap.",
        .range = {1, 15},
        .note = "the kernel's limit",
        .also = kAlsoTap},
    Key{.name = "fd",
        .kind = Kind::Number,
        .slot = kValue<&Net::fd>,
        .help = "An inherited descriptor: a tap, or a stream socket whose peer speaks QEMU's "
                "framing. Means type fd.",
        .range = {3, 1 << 20},
        .also = kAlsoFd},
    Key{.name = "mac",
        .kind = Kind::Text,
        .slot = kValue<&Net::mac>,
        .help = "The card's address, such as 02:00:00:00:00:01. Without it: one that follows from "
                "the VM's name.",
        .range = {17, 17},
        .also = kAlsoMac},
    Key{.name = "mtu",
        .kind = Kind::Number,
        .slot = kValue<&Net::mtu>,
        .help = "The largest packet, which the guest is told. Without it: 65520 for type user, "
                "else the guest's choice.",
        .range = {1280, 65520}},
    Key{.name = "forward",
        .kind = Kind::List,
        .slot = kList<&Net::forward>,
        .help = "Ports of the host's that lead to the guest's, for type user; a bare number is "
                "one on both sides.",
        .range = {0, 64},
        .also = kAlsoForward,
        .element = &kForward},
};
inline constexpr Key kNet{.kind = Kind::Object, .members = kNetKeys, .short_form = "type"};

inline constexpr std::array kFolderKeys{
    Key{.name = "tag",
        .kind = Kind::Text,
        .slot = kValue<&Folder::tag>,
        .help =
            "What the guest mounts it by: mount -t virtiofs TAG /mnt. Without it: the last part "
            "of the path.",
        .range = {1, 36},
        .note = "virtio's limit",
        .also = kAlsoTag},
    Key{.name = "path",
        .kind = Kind::Path,
        .slot = kValue<&Folder::path>,
        .help = "The folder, which gh-vmm starts a virtiofsd for.",
        .also = kAlsoFolderPath},
    Key{.name = "socket",
        .kind = Kind::Path,
        .slot = kValue<&Folder::socket>,
        .help = "In place of a path: the unix socket of a virtiofsd that runs already.",
        .also = kAlsoFolderSocket},
    Key{.name = "readonly",
        .kind = Kind::Flag,
        .slot = kValue<&Folder::readonly>,
        .help = "Let nothing be written.",
        .also = kAlsoReadonly},
};
inline constexpr Key kFolder{.kind = Kind::Object, .members = kFolderKeys, .short_form = "path"};

constexpr std::array kBalloonKeys{
    Key{.name = "enabled",
        .kind = Kind::Flag,
        .slot = kValue<&Balloon::enabled>,
        .help = "Whether there is a balloon."},
    Key{.name = "size",
        .kind = Kind::Size,
        .slot = kValue<&Balloon::size>,
        .help = "Bytes that it is to hold at first; gh-vmm balloon changes it.",
        .range = {0, kAddressEnd - kLowestRam, kPage},
        .also = kAlsoBalloonSize},
};

inline constexpr std::array kVsockKeys{
    Key{.name = "cid",
        .kind = Kind::Number,
        .slot = kValue<&Vsock::cid>,
        .help = "The guest's number, its address; the host is 2.",
        .range = {3, 0xffff'fffe},
        .note = "below are the host's and loopback's",
        .also = kAlsoCid},
    Key{.name = "path",
        .kind = Kind::Path,
        .slot = kValue<&Vsock::path>,
        .help = "The unix socket to listen at for connections to the guest; those of the guest to "
                "port P of the host go to the unix socket of this path with _P behind.",
        .required = true,
        .also = kAlsoUds},
};

}  // namespace gh::config
