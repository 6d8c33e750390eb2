/* The benchmark's server: HTTP/1.1 over TCP on loopback, one thread, epoll, bodies that are ready before anyone asks.
 *
 * It must never be the bottleneck: bodies are sent by sendfile(2) from memory files, heads are written once per
 * request, nothing is computed per byte. It trusts its client and is no server for anything else.
 *
 *     server DIRECTORY        prints "PORT\n", serves until its standard input ends
 *
 * GET /body/NAME/N            N bytes of the file NAME, repeated from its start as often as needed
 * GET /chunked/SIZE/NAME/N    the same content in wire chunks of SIZE bytes (SIZE divides N and the file's length)
 * GET /coded/NAME.CODING      the whole file, Content-Encoding: CODING (gzip, br, zstd)
 * GET /events/N/MICROSECONDS  N events "data: CLOCK_MONOTONIC nanoseconds\n\n", one per wire chunk, at that pace
 * any /upload, /upload/crc    reads the request's content; answers {"bytes": N, "crc": CRC-32 or 0}
 * any /upload.../part/N       the same of the first N bytes after the field section of the first part of a form
 */
#define _GNU_SOURCE
#include "bodies.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 16384       /* a request head; the clients' are a few hundred bytes */
#define SMALL_CONTENT 8192     /* up to this size head and content go out in one send */
#define SINK_BYTES (1 << 20)   /* uploads are received into one buffer of this size */
/* Bytes that may wait unsent. Without it megabytes wait, and what waits is sent by the client's acknowledgements, on
 * the client's processor time (27 us per 64 KiB instead of 9): on a network that is the sender's machine's work. */
#define UNSENT_BYTES 65536

enum state { READING_HEAD, READING_CONTENT, SENDING };

struct connection {
    int socket;
    enum state state;
    int watches_output;
    char in[HEAD_BYTES];
    size_t in_size;
    char out[SMALL_CONTENT + 512];  /* the head, with the content when it is small; then the tail of a chunked one */
    size_t out_size, out_sent;
    struct body *body;              /* what follows `out`: `content_left` bytes of it, from `content_at`, in a circle */
    size_t content_at, content_left;
    int last_chunk_due;
    struct chunked upload_framing;
    int upload_chunked, upload_checked;
    size_t upload_left, upload_bytes;
    size_t part_head;               /* how much of the empty line that ends a part's fields was seen last; 4: all */
    size_t part_left;               /* bytes of the content that still count */
    uint32_t upload_crc;
};

static char sink[SINK_BYTES];
static int epoll;

static void answer(struct connection *c, const char *status, const char *type, const char *fields, const char *content,
                   size_t size)
{
    int n = snprintf(c->out, sizeof c->out, "HTTP/1.1 %s\r\nServer: bench\r\nContent-Type: %s\r\n%s\r\n", status,
                     type, fields);
    if (size)
        memcpy(c->out + n, content, size);
    c->out_size = (size_t)n + size;
    c->out_sent = 0;
    c->body = NULL;
    c->content_at = c->content_left = 0;
    c->last_chunk_due = 0;
    c->state = SENDING;
}

static void answer_not_found(struct connection *c)
{
    answer(c, "404 Not Found", "text/plain", "Content-Length: 0\r\n", "", 0);
}

static void answer_body(struct connection *c, struct body *body, size_t size, const char *coding)
{
    char fields[128];
    snprintf(fields, sizeof fields, "Content-Length: %zu\r\n%s", size, coding);
    if (size <= SMALL_CONTENT && size <= body->size) {
        answer(c, "200 OK", body->type, fields, body->at, size);
        return;
    }
    answer(c, "200 OK", body->type, fields, "", 0);
    c->body = body;
    c->content_left = size;
}

static void answer_chunked(struct connection *c, const char *name, size_t chunk_size, size_t size)
{
    struct body *body = find_body(name);
    if (!body || !chunk_size || size % chunk_size || body->size % chunk_size) {
        answer_not_found(c);
        return;
    }
    body = chunked_body(body, chunk_size);
    answer(c, "200 OK", body->type, "Transfer-Encoding: chunked\r\n", "", 0);
    c->body = body;
    c->content_left = size / chunk_size * (body->size / (find_body(name)->size / chunk_size));
    c->last_chunk_due = 1;
}

struct events {
    int socket;
    long count, microseconds;
};

/* Own thread and a blocking socket: the pace must not depend on the loop. Ends by closing the connection. */
static void *send_events(void *argument)
{
    struct events *events = argument;
    struct timespec due, now;
    char text[256], wire[320];
    const char *head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n";
    fcntl(events->socket, F_SETFL, fcntl(events->socket, F_GETFL) & ~O_NONBLOCK);
    send(events->socket, head, strlen(head), MSG_NOSIGNAL);
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (long i = 0; i < events->count; i++) {
        int n;
        due.tv_nsec += events->microseconds * 1000;
        due.tv_sec += due.tv_nsec / 1000000000;
        due.tv_nsec %= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        n = snprintf(text, sizeof text, "data: %lld\n\n", now.tv_sec * 1000000000ll + now.tv_nsec);
        n = snprintf(wire, sizeof wire, "%x\r\n%s\r\n", n, text);
        if (send(events->socket, wire, (size_t)n, MSG_NOSIGNAL) < 0)
            break;
    }
    send(events->socket, "0\r\n\r\n", 5, MSG_NOSIGNAL);
    close(events->socket);
    free(events);
    return NULL;
}

/* Returns 1: the connection now belongs to its own thread. */
static int answer_events(struct connection *c, long count, long microseconds)
{
    pthread_t thread;
    struct events *events = malloc(sizeof *events);
    if (!events)
        die("malloc");
    *events = (struct events){c->socket, count, microseconds};
    epoll_ctl(epoll, EPOLL_CTL_DEL, c->socket, NULL);
    if (pthread_create(&thread, NULL, send_events, events))
        die("pthread_create");
    pthread_detach(thread);
    return 1;
}

static void answer_upload(struct connection *c)
{
    char content[96], fields[64];
    int n = snprintf(content, sizeof content, "{\"bytes\": %zu, \"crc\": %u}", c->upload_bytes, c->upload_crc);
    snprintf(fields, sizeof fields, "Content-Length: %d\r\n", n);
    answer(c, "200 OK", "text/plain", fields, content, (size_t)n);
}

static void upload_content(struct connection *c, const char *at, size_t size)
{
    for (; size && c->part_head < 4; at++, size--)
        c->part_head = *at == "\r\n\r\n"[c->part_head] ? c->part_head + 1 : *at == '\r';
    if (size > c->part_left)
        size = c->part_left;
    c->part_left -= size;
    c->upload_bytes += size;
    if (c->upload_checked)
        c->upload_crc = crc32_update(c->upload_crc, at, size);
}

/* Received bytes of an upload's content; turns to SENDING when it is complete. */
static void upload_received(struct connection *c, const char *at, size_t size)
{
    const char *content;
    size_t used, content_size;
    if (!c->upload_chunked) {
        upload_content(c, at, size < c->upload_left ? size : c->upload_left);
        c->upload_left -= size < c->upload_left ? size : c->upload_left;
        if (!c->upload_left)
            answer_upload(c);
        return;
    }
    while (size && c->upload_framing.state != COMPLETE) {
        used = chunked_next(&c->upload_framing, at, size, size, &content, &content_size);
        upload_content(c, content, content_size);
        at += used;
        size -= used;
    }
    if (c->upload_framing.state == COMPLETE)
        answer_upload(c);
}

/* A field's value in the request head, or NULL. `name` is "\r\nname:" in lower case. */
static const char *field(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);
    if (!at)
        return NULL;
    at += strlen(name);
    while (*at == ' ')
        at++;
    return at;
}

static void begin_upload(struct connection *c, char *head, size_t head_size)
{
    const char *length = field(head, "\r\ncontent-length:");
    size_t early = c->in_size - head_size;
    const char *part = strstr(head, "/part/");
    c->upload_checked = strstr(head, " /upload/crc") != NULL;
    c->part_head = part ? 0 : 4;
    c->part_left = part ? strtoull(part + 6, NULL, 10) : SIZE_MAX;
    c->upload_chunked = field(head, "\r\ntransfer-encoding:") != NULL;
    c->upload_left = length ? strtoull(length, NULL, 10) : 0;
    c->upload_bytes = 0;
    c->upload_crc = 0;
    c->upload_framing = (struct chunked){AT_SIZE, 0, 0, 0};
    c->state = READING_CONTENT;
    if (field(head, "\r\nexpect:") && !early)
        send(c->socket, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
    c->in_size = 0;
    if (early || (!c->upload_chunked && !c->upload_left))
        upload_received(c, head + head_size, early);
}

static void answer_coded(struct connection *c, const char *name)
{
    struct body *body = find_body(name);
    const char *dot = strrchr(name, '.');
    char coding[64];
    if (!body || !dot) {
        answer_not_found(c);
        return;
    }
    snprintf(coding, sizeof coding, "Content-Encoding: %s\r\n", dot + 1);
    answer_body(c, body, body->size, coding);
}

/* Returns 1 when the connection was handed to a thread. */
static int request_received(struct connection *c, size_t head_size)
{
    char name[128];
    size_t chunk_size, size;
    long count, microseconds;
    char *target = memchr(c->in, ' ', head_size);
    struct body *body;
    c->in[head_size - 1] = 0;
    if (!target) {
        answer_not_found(c);
        return 0;
    }
    if (sscanf(target, " /body/%127[^/ ]/%zu ", name, &size) == 2) {
        body = find_body(name);
        if (body)
            answer_body(c, body, size, "");
        else
            answer_not_found(c);
    } else if (sscanf(target, " /chunked/%zu/%127[^/ ]/%zu ", &chunk_size, name, &size) == 3)
        answer_chunked(c, name, chunk_size, size);
    else if (sscanf(target, " /coded/%127[^/ ] ", name) == 1)
        answer_coded(c, name);
    else if (sscanf(target, " /events/%ld/%ld ", &count, &microseconds) == 2)
        return answer_events(c, count, microseconds);
    else if (strncmp(target, " /upload", 8) == 0) {
        begin_upload(c, c->in, head_size);
        return 0;
    } else
        answer_not_found(c);
    memmove(c->in, c->in + head_size, c->in_size - head_size);
    c->in_size -= head_size;
    return 0;
}

/* Send until all is sent (1), the socket is full (0), or the peer is gone (-1). */
static int send_some(struct connection *c)
{
    for (;;) {
        ssize_t n;
        if (c->out_sent < c->out_size) {
            n = send(c->socket, c->out + c->out_sent, c->out_size - c->out_sent,
                     MSG_NOSIGNAL | (c->content_left ? MSG_MORE : 0));
            if (n > 0)
                c->out_sent += (size_t)n;
        } else if (c->content_left) {
            off_t at = (off_t)c->content_at;
            size_t most = c->body->size - c->content_at;
            n = sendfile(c->socket, c->body->file, &at, most < c->content_left ? most : c->content_left);
            if (n > 0) {
                c->content_left -= (size_t)n;
                c->content_at = (c->content_at + (size_t)n) % c->body->size;
            }
        } else if (c->last_chunk_due) {
            memcpy(c->out, "0\r\n\r\n", 5);
            c->out_size = 5;
            c->out_sent = 0;
            c->last_chunk_due = 0;
            continue;
        } else
            return 1;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
    }
}

static void watch(struct connection *c, int output)
{
    struct epoll_event event = {.events = output ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    if (c->watches_output == output)
        return;
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->socket, &event);
    c->watches_output = output;
}

/* Do what can be done now. Returns -1: close; 1: handed to a thread; 0: wait again. */
static int serve(struct connection *c)
{
    ssize_t n;
    char *end;
    int sent;
    if (c->state == READING_HEAD) {
        n = recv(c->socket, c->in + c->in_size, sizeof c->in - 1 - c->in_size, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        c->in_size += (size_t)n;
        c->in[c->in_size] = 0;
        end = memmem(c->in, c->in_size, "\r\n\r\n", 4);
        if (end && request_received(c, (size_t)(end + 4 - c->in)))
            return 1;
        if (!end && c->in_size == sizeof c->in - 1)
            return -1;
    } else if (c->state == READING_CONTENT) {
        n = recv(c->socket, sink, sizeof sink, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        upload_received(c, sink, (size_t)n);
    }
    if (c->state != SENDING)
        return 0;
    sent = send_some(c);
    if (sent < 0)
        return -1;
    if (sent)
        c->state = READING_HEAD;
    watch(c, !sent);
    return 0;
}

static void accept_all(int listener)
{
    int yes = 1, unsent = UNSENT_BYTES, socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (!c)
            die("calloc");
        c->socket = socket;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
        epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
    }
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 256) < 0)
        die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv)
{
    static char listener_tag, stdin_tag;
    struct epoll_event events[64], event;
    int listener;
    if (argc != 2)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    load_bodies(argv[1]);
    epoll = epoll_create1(0);
    listener = listen_on_loopback();
    event = (struct epoll_event){.events = EPOLLIN, .data.ptr = &listener_tag};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event = (struct epoll_event){.events = EPOLLIN, .data.ptr = &stdin_tag};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    for (;;) {
        int n = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            int done;
            if (events[i].data.ptr == &stdin_tag)
                return 0;
            if (events[i].data.ptr == &listener_tag) {
                accept_all(listener);
                continue;
            }
            done = serve(c);
            if (done < 0)
                close(c->socket);
            if (done)
                free(c);
        }
    }
}
