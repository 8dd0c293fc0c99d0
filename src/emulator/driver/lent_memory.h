// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/client.h"

#include <memory>

namespace gh::driver {

/// Memory of this process moved out of the way of its owner: every mapping in the range is moved
/// elsewhere as it is (anonymous or file-backed, shared or private), and the hole is filled with
/// pages that raise SIGBUS on touch. The destructor moves back what nobody has mapped over since.
class LentMemory final : public GuestView {
public:
    /// 0 or an errno: EFAULT where a mapping refuses to move. On failure nothing has changed.
    static int take(ClientRange range, std::unique_ptr<GuestView>& view);
    ~LentMemory() override;

    [[nodiscard]] std::span<const Piece> pieces() const noexcept override { return pieces_; }

private:
    explicit LentMemory(ClientRange range) : range_(range) {}
    int reserve(std::uint64_t first, std::uint64_t last) noexcept;
    int move(std::uint64_t start, std::uint64_t size, bool writable) noexcept;
    void give_back(const Piece& piece) noexcept;

    ClientRange range_;
    ClientRange moved_;              // the part that has mappings
    std::byte* reserved_ = nullptr;  // where moved_.address lives now
    Fd plug_;
    std::vector<Piece> pieces_;
};

/// The readable parts of a range, where they stand.
[[nodiscard]] std::vector<Piece> pieces_in_place(ClientRange range);

}  // namespace gh::driver
