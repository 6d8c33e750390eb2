/* What the server, the limit program and the limit extension share: the smallest chunked decoder and a checksum.
 *
 * The decoder believes its peer: it serves the benchmark's own traffic and is the limit that a real client, which
 * must doubt every byte, is measured against. It never allocates, never copies, never does I/O.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum chunked_state { AT_SIZE, IN_CONTENT, AFTER_CONTENT, AT_TRAILERS, COMPLETE };

struct chunked {
    enum chunked_state state;
    size_t left;        /* bytes of content left in this wire chunk; while AT_SIZE: the size read so far */
    size_t line;        /* AT_TRAILERS: length of the present line */
    int in_extension;   /* AT_SIZE: the size has ended, the line has not */
};

static inline int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Read a whole chunk-size line; returns its length, or 0 when the line is not complete in the buffer. */
static inline size_t chunk_size_line(const char *at, size_t size, size_t *chunk_size)
{
    size_t value = 0, i = 0;
    int digit;
    while (i < size && (digit = hex_value((unsigned char)at[i])) >= 0) {
        value = value << 4 | (size_t)digit;
        i++;
    }
    while (i < size && at[i] != '\n')
        i++;
    if (i == size)
        return 0;
    *chunk_size = value;
    return i + 1;
}

/* One slow step: framing that is cut by the end of a buffer. Returns bytes consumed (one). */
static inline size_t chunked_framing_byte(struct chunked *c, char byte)
{
    int digit;
    switch (c->state) {
    case AT_SIZE:
        digit = c->in_extension ? -1 : hex_value((unsigned char)byte);
        if (byte == '\n') {
            c->in_extension = 0;
            c->line = 0;
            c->state = c->left ? IN_CONTENT : AT_TRAILERS;
        } else if (digit >= 0)
            c->left = c->left << 4 | (size_t)digit;
        else
            c->in_extension = 1;
        break;
    case AFTER_CONTENT:
        if (byte == '\n')
            c->state = AT_SIZE;
        break;
    case AT_TRAILERS:
        if (byte == '\n') {
            if (c->line == 0)
                c->state = COMPLETE;
            c->line = 0;
        } else if (byte != '\r')
            c->line++;
        break;
    default:
        break;
    }
    return 1;
}

/* Advance over `size` bytes of the wire. Returns the bytes consumed; when they held content, *content and
 * *content_size say where (at most `room` bytes of it), else *content_size is 0. Consumes nothing once COMPLETE. */
static inline size_t chunked_next(struct chunked *c, const char *at, size_t size, size_t room,
                                  const char **content, size_t *content_size)
{
    size_t used = 0, n, chunk_size;
    *content = at;
    *content_size = 0;
    while (used < size && c->state != COMPLETE) {
        if (c->state == IN_CONTENT) {
            n = size - used < c->left ? size - used : c->left;
            if (n > room)
                n = room;
            *content = at + used;
            *content_size = n;
            c->left -= n;
            used += n;
            if (c->left == 0) {
                c->state = AFTER_CONTENT;
                if (size - used >= 2 && at[used] == '\r' && at[used + 1] == '\n') {
                    used += 2;
                    c->state = AT_SIZE;
                }
            }
            return used;
        }
        if (c->state == AT_SIZE && c->left == 0 && !c->in_extension) {
            n = chunk_size_line(at + used, size - used, &chunk_size);
            if (n) {
                used += n;
                c->left = chunk_size;
                c->line = 0;
                c->state = chunk_size ? IN_CONTENT : AT_TRAILERS;
                continue;
            }
        }
        used += chunked_framing_byte(c, at[used]);
    }
    return used;
}

/* CRC-32 as in zlib, so that Python checks the C programs with zlib.crc32. Slow and small: untimed passes only. */
static inline uint32_t crc32_update(uint32_t crc, const char *at, size_t size)
{
    static uint32_t table[256];
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; bit++)
                value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
            table[i] = value;
        }
    crc = ~crc;
    while (size--)
        crc = table[(crc ^ (unsigned char)*at++) & 0xFF] ^ crc >> 8;
    return ~crc;
}

#endif
