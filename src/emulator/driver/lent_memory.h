// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/client.h"

#include <memory>

namespace gh::driver {

/// An empty file, pages of which raise SIGBUS on touch; null if the host has no more files.
[[nodiscard]] std::shared_ptr<Fd> make_plug() noexcept;

/// Memory of this process moved out of the way of its owner: every mapping in the range is moved
/// elsewhere as it is (anonymous or file-backed, shared or private), and the hole is filled with
/// pages of the plug. What is given back, at the latest by the destructor, moves back where nobody
/// has mapped over it since.
class LentMemory final : public GuestView {
public:
    /// 0 or an errno: EFAULT where a mapping refuses to move. On failure nothing has changed.
    static int take(ClientRange range, std::shared_ptr<Fd> plug, std::unique_ptr<GuestView>& view);
    ~LentMemory() override;

    [[nodiscard]] std::span<const Piece> pieces() const noexcept override { return pieces_; }
    [[nodiscard]] int give_back(std::uint64_t offset, std::uint64_t size) noexcept override;

private:
    LentMemory(ClientRange range, std::shared_ptr<Fd> plug) : range_(range), plug_(std::move(plug))
    {
    }
    int reserve(std::uint64_t first, std::uint64_t last) noexcept;
    int move(std::uint64_t start, std::uint64_t size, bool writable) noexcept;
    void trim() noexcept;

    ClientRange range_;
    ClientRange moved_;              // the part that has mappings
    std::byte* reserved_ = nullptr;  // where moved_.address lives now
    std::shared_ptr<Fd> plug_;
    std::vector<Piece> pieces_;
    std::vector<Piece> held_;  // of pieces_, what was not given back
};

/// The readable parts of a range, where they stand.
[[nodiscard]] std::vector<Piece> pieces_in_place(ClientRange range);

}  // namespace gh::driver
