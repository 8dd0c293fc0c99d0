// SPDX-License-Identifier: BSD-3-Clause
// PID 1 of a guest that uses eth0 and is measured from outside: "rdinit=/net -- up|down|ping PORT TIMES" on
// the kernel's command line connects to the gateway, which is the host, and there sends TIMES MiB, or receives
// them, or sends a byte and awaits one TIMES times, between the lines BEGIN and END.
#define _GNU_SOURCE
#include "measured.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>

enum { kMiB = 1 << 20, kPiece = 128 << 10 };

/// Asks for an address; /lease, which the asking program calls, writes down the gateway's.
static struct in_addr gateway(void)
{
    if (system("export PATH=/bin; /bin/busybox mount -t proc proc /proc; /bin/busybox --install -s /bin;"
               "ip link set eth0 up; udhcpc -q -n -t 10 -i eth0 -s /lease >/dev/null 2>&1") != 0)
        fail("udhcpc");
    char text[INET_ADDRSTRLEN + 1] = "";
    FILE* file = fopen("/tmp/router", "r");
    struct in_addr address;
    if (!file || !fgets(text, sizeof text, file) || !inet_aton(text, &address))
        fail("/tmp/router");
    (void)fclose(file);
    return address;
}

static int connected(uint16_t port)
{
    const struct sockaddr_in host = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = gateway()};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd < 0 || connect(fd, (const struct sockaddr*)&host, sizeof host) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        fail("connect");
    return fd;
}

/// The byte that the host sends at the end says that it has all.
static void send_all(int fd, long times)
{
    static char buffer[kPiece];
    for (long left = times * (kMiB / kPiece); left > 0; --left)
        for (size_t done = 0; done < sizeof buffer;) {
            const ssize_t size = write(fd, buffer + done, sizeof buffer - done);
            if (size < 0)
                fail("write");
            done += (size_t)size;
        }
    if (shutdown(fd, SHUT_WR) != 0 || read(fd, buffer, 1) != 1)
        fail("the end");
}

static void receive_all(int fd, long times)
{
    static char buffer[kPiece];
    for (long left = times * kMiB; left > 0;) {
        const ssize_t size = read(fd, buffer, sizeof buffer);
        if (size <= 0)
            fail("read");
        left -= size;
    }
}

static void go_round(int fd, long times)
{
    char byte = 0;
    for (; times > 0; --times)
        if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
            fail("a round trip");
}

int main(int argc, char** argv)
{
    if (argc != 4)
        return 2;
    load_modules();
    const int fd = connected((uint16_t)atoi(argv[2]));
    const long times = atol(argv[3]);
    say("BEGIN");
    if (strcmp(argv[1], "up") == 0)
        send_all(fd, times);
    else if (strcmp(argv[1], "down") == 0)
        receive_all(fd, times);
    else
        go_round(fd, times);
    say("END");
    return turn_off();
}
