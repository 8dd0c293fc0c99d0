// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <mutex>
#include <utility>

namespace gh {

/// A value and the mutex that guards it, inseparable: the only way in is through with().
template <class T>
class Locked {
public:
    template <class... Args>
    explicit Locked(Args&&... args) : value_(std::forward<Args>(args)...)
    {
    }

    template <class F>
    decltype(auto) with(F&& body)
    {
        const std::scoped_lock lock(mutex_);
        return std::forward<F>(body)(value_);
    }

private:
    std::mutex mutex_;
    T value_;
};

}  // namespace gh
