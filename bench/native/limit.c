/* The limit row `climit`: the same jobs as the Python programs, in C, with nothing left out that the job needs.
 *
 *     limit PORT TARGET MODE SIZE CHECKED
 *
 * MODE bytes    content in pieces of SIZE bytes          MODE lines   lines; SIZE is ignored
 * MODE chunked  the same, transfer coding removed        MODE small   SIZE requests one after the other
 *
 * Prints one JSON object in the form of bench/job.py. CHECKED = 1 adds the CRC-32 of what was delivered. No
 * error handling beyond stopping: it talks to the benchmark's own server.
 */
#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (256 << 10)

struct delivered {
    size_t bytes, items;
    uint32_t crc;
    int checked;
};

static double wall_before, cpu_before;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void deliver(struct delivered *d, const char *at, size_t size)
{
    d->bytes += size;
    d->items++;
    if (d->checked)
        d->crc = crc32_update(d->crc, at, size);
}

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    int yes = 1, s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0 || connect(s, (struct sockaddr *)&address, sizeof address) < 0)
        die("connect");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return s;
}

static size_t receive(int s, char *at, size_t size)
{
    ssize_t n = recv(s, at, size, 0);
    if (n <= 0)
        die("recv");
    return (size_t)n;
}

/* Send a request and receive its head; returns where the content begins in the buffer, *end = bytes received. */
static size_t exchange_heads(int s, const char *target, char *buffer, size_t *end, size_t *length)
{
    char *blank, *field;
    int n = snprintf(buffer, BUFFER_BYTES, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    if (send(s, buffer, (size_t)n, 0) != n)
        die("send");
    *end = 0;
    do {
        *end += receive(s, buffer + *end, BUFFER_BYTES - 1 - *end);
        buffer[*end] = 0;
        blank = memmem(buffer, *end, "\r\n\r\n", 4);
    } while (!blank);
    field = strcasestr(buffer, "\r\ncontent-length:");
    *length = field && field < blank ? strtoull(field + 17, NULL, 10) : 0;
    return (size_t)(blank + 4 - buffer);
}

/* Pieces of exactly `size` bytes, received in place. */
static void bytes(int s, char *buffer, size_t at, size_t end, size_t left, size_t size, struct delivered *d)
{
    char *piece = malloc(size > BUFFER_BYTES ? size : BUFFER_BYTES);
    size_t have = end - at;
    memcpy(piece, buffer + at, have);
    while (left) {
        size_t want = size < left ? size : left, cut;
        size_t room = want < BUFFER_BYTES ? (BUFFER_BYTES < left ? BUFFER_BYTES : left) : want;
        if (size >= 16384)
            room = want;
        while (have < want)
            have += receive(s, piece + have, room - have);
        for (cut = 0; have - cut >= want && left; cut += want) {
            deliver(d, piece + cut, want);
            left -= want;
            want = size < left ? size : left;
        }
        have -= cut;
        memmove(piece, piece + cut, have);
    }
    free(piece);
}

static void chunked(int s, char *buffer, size_t at, size_t end, size_t size, struct delivered *d)
{
    struct chunked framing = {AT_SIZE, 0, 0, 0};
    char *piece = malloc(size);
    size_t have = 0, content_size;
    const char *content;
    for (;;) {
        while (at < end) {
            at += chunked_next(&framing, buffer + at, end - at, size - have, &content, &content_size);
            memcpy(piece + have, content, content_size);
            have += content_size;
            if (have == size || framing.state == COMPLETE) {
                if (have)
                    deliver(d, piece, have);
                have = 0;
            }
            if (framing.state == COMPLETE) {
                free(piece);
                return;
            }
        }
        end = receive(s, buffer, BUFFER_BYTES);
        at = 0;
    }
}

static void lines(int s, char *first, size_t at, size_t end, size_t left, struct delivered *d)
{
    size_t room = BUFFER_BYTES, searched;
    char *buffer = malloc(room), *lf;
    memcpy(buffer, first + at, end - at);
    end -= at;
    left -= end;
    at = searched = 0;
    for (;;) {
        while ((lf = memchr(buffer + searched, '\n', end - searched))) {
            deliver(d, buffer + at, (size_t)(lf + 1 - buffer) - at);
            at = searched = (size_t)(lf - buffer) + 1;
        }
        if (!left)
            break;
        memmove(buffer, buffer + at, end - at);
        end -= at;
        searched = end;
        at = 0;
        if (end > room / 2 && !(buffer = realloc(buffer, room *= 2)))
            die("realloc");
        size_t n = receive(s, buffer + end, room - end < left ? room - end : left);
        end += n;
        left -= n;
    }
    free(buffer);
}

static void small(int s, const char *target, char *buffer, size_t count, struct delivered *d)
{
    while (count--) {
        size_t end, length, at = exchange_heads(s, target, buffer, &end, &length);
        while (end - at < length)
            end += receive(s, buffer + end, BUFFER_BYTES - end);
        deliver(d, buffer + at, length);
    }
}

static long peak_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1)
            break;
    if (status)
        fclose(status);
    return kib;
}

int main(int argc, char **argv)
{
    static char buffer[BUFFER_BYTES];
    struct delivered d = {0};
    size_t at, end, length, size;
    const char *mode = argc == 6 ? argv[3] : "";
    int s;
    if (argc != 6)
        return 2;
    size = strtoull(argv[4], NULL, 10);
    d.checked = argv[5][0] == '1';
    s = connect_to(atoi(argv[1]));
    wall_before = wall_seconds();
    cpu_before = cpu_seconds();
    if (strcmp(mode, "small") == 0)
        small(s, argv[2], buffer, size, &d);
    else {
        at = exchange_heads(s, argv[2], buffer, &end, &length);
        if (strcmp(mode, "bytes") == 0)
            bytes(s, buffer, at, end, length, size, &d);
        else if (strcmp(mode, "chunked") == 0)
            chunked(s, buffer, at, end, size, &d);
        else
            lines(s, buffer, at, end, length, &d);
    }
    printf("{\"wall\": %.9f, \"cpu\": %.9f, \"bytes\": %zu, \"items\": %zu, \"crc\": %u, \"peak_kib\": %ld}\n",
           wall_seconds() - wall_before, cpu_seconds() - cpu_before, d.bytes, d.items, d.crc, peak_kib());
    close(s);
    return 0;
}
