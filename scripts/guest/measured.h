// SPDX-License-Identifier: BSD-3-Clause
// What the programs share that are PID 1 of a guest measured from outside: they say BEGIN and END around
// their work, since the host reads its own clock at these lines, then turn the machine off.
#pragma once
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static void say(const char* line)
{
    (void)puts(line);
    (void)fflush(stdout);
}

/// Does not return in a guest. The last lines would go off with the machine if nobody waited for them.
static int turn_off(void)
{
    (void)fflush(stdout);
    (void)tcdrain(1);
    return getpid() == 1 ? reboot(RB_POWER_OFF) : 0;
}

static void fail(const char* what)
{
    perror(what);
    (void)turn_off();
    exit(1);
}

/// Loads what "modules=FILE,FILE" on the kernel's command line names: the kernel makes a variable of it.
static void load_modules(void)
{
    char* names = getenv("modules");
    if (names)
        (void)mount("dev", "/dev", "devtmpfs", 0, NULL);
    for (char *rest, *name = names ? strtok_r(names, ",", &rest) : NULL; name; name = strtok_r(NULL, ",", &rest)) {
        const int fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0)
            fail(name);
        close(fd);
    }
}
