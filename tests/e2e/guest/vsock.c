// SPDX-License-Identifier: BSD-3-Clause
// What a shell lacks for AF_VSOCK:
//   vsock call PORT         connects to the host's port; stdin there, what comes to stdout
//   vsock echo PORT         gives every caller back what he says, each in a process of its own
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

static void fail(const char* what)
{
    perror(what);
    exit(1);
}

static void copy(int from, int to)
{
    static char bytes[65536];
    ssize_t count;
    while ((count = read(from, bytes, sizeof bytes)) > 0)
        for (ssize_t done = 0; done < count;) {
            const ssize_t written = write(to, bytes + done, (size_t)(count - done));
            if (written < 0)
                fail("write");
            done += written;
        }
    if (count < 0)
        fail("read");
}

int main(int argc, char** argv)
{
    if (argc != 3)
        return 2;
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_port = (unsigned)atoi(argv[2])};
    const int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
    if (fd < 0)
        fail("socket");
    if (strcmp(argv[1], "call") == 0) {
        address.svm_cid = VMADDR_CID_HOST;
        if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0)
            fail("connect");
        if (fork() == 0) {
            copy(0, fd);
            shutdown(fd, SHUT_WR);
            return 0;
        }
        copy(fd, 1);
        return 0;
    }
    address.svm_cid = VMADDR_CID_ANY;
    if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 64) != 0)
        fail("listen");
    for (;;) {
        const int caller = accept(fd, NULL, NULL);
        if (caller < 0)
            fail("accept");
        if (fork() == 0) {
            copy(caller, caller);
            return 0;
        }
        close(caller);
    }
}
