// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <string>
#include <vector>

namespace gh::control {

/// Where control sockets lie by default: $XDG_RUNTIME_DIR/gh-vmm, else /run/gh-vmm for root and
/// /tmp/gh-vmm-UID for others.
[[nodiscard]] std::string default_folder();

/// Makes that folder, for its owner alone. Throws Error if it is somebody else's or open to others.
void make_private_folder(const std::string& folder);

/// The socket of the VM of this name in default_folder(). What a file's name cannot hold becomes
/// '_'.
[[nodiscard]] std::string socket_of(const std::string& name);

/// What a person calls a VM: a word with a slash is the path of its socket, another its name.
[[nodiscard]] std::string find_socket(const std::string& name_or_path);

/// The sockets in default_folder(), sorted, whether or not somebody listens.
[[nodiscard]] std::vector<std::string> all_sockets();

/// The right to a socket path: a lock on the file beside it, "PATH.lock". The kernel lets go of it
/// with the process, however that ends, so that a socket file without holder is known to be stale.
class Claim {
public:
    /// Throws Error if another process holds it, which it names.
    explicit Claim(const std::string& socket);
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

private:
    std::string path_;
    Fd file_;
};

}  // namespace gh::control
