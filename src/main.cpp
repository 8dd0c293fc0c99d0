// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>

int main()
{
    (void)std::puts("gh-vmm 0.1.0");
    return 0;
}
