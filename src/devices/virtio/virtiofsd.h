// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/vhost_user.h"

#include <memory>
#include <string>

namespace gh::virtio {

/// Starts virtiofsd(1), QEMU's or the one in Rust, which shares the folder at `path` with a guest
/// and ends when the connection does: with us, however we end. It shuts itself into the folder by
/// namespaces, or by chroot(2) where there are none to be had. Run by somebody who is not root it
/// lives in a user namespace in which that user is root: the guest's root does what the user may,
/// and the guest's other users may create nothing. `readonly`: the kernel lets it write nothing.
/// `name`: for messages. Throws Error, with what virtiofsd says.
[[nodiscard]] std::unique_ptr<VhostUser> start_virtiofsd(const std::string& name,
                                                         const std::string& path, bool readonly);

/// Connects to the vhost-user back-end that listens at `path`. Throws Error.
[[nodiscard]] std::unique_ptr<VhostUser> connect_vhost_user(const std::string& name,
                                                            const std::string& path);

}  // namespace gh::virtio
