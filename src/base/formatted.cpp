// SPDX-License-Identifier: BSD-3-Clause
#include "base/formatted.h"

#include <cstdarg>
#include <cstdio>

namespace gh {

std::string formatted(const char* format, ...)
{
    std::va_list arguments;
    std::va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int size = std::vsnprintf(nullptr, 0, format, arguments);
    va_end(arguments);
    std::string out(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
    (void)std::vsnprintf(out.data(), out.size() + 1, format, again);
    va_end(again);
    return out;
}

}  // namespace gh
