# SPDX-License-Identifier: BSD-3-Clause
# Cross build for arm64 with Debian's compiler; preset arm64. scripts/build-arm64 unpacks the arm64
# libraries, which belong to no package of the host, into build/arm64-libraries.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

get_filename_component(libraries ${CMAKE_CURRENT_LIST_DIR}/../build/arm64-libraries ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH ${libraries})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(CMAKE_CXX_FLAGS_INIT
  "-isystem ${libraries}/usr/include -isystem ${libraries}/usr/include/aarch64-linux-gnu")
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)  # the tests, too: they run without an arm64 libc
find_program(QEMU_AARCH64 NAMES qemu-aarch64)
if(QEMU_AARCH64)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${QEMU_AARCH64})
  # What qemu-user does not do: madvise(), and pass on requests that it does not know.
  set(GH_TEST_ARGUMENTS "--test-case-exclude=a child does not inherit*,prefault*,a file that is no Gunyah device answers*,released pages*,pages in the balloon*,pages that the guest does not have are no pages*,what the guest reports as free*")
endif()
