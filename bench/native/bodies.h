/* The server's bodies: in memory files, read once from a directory, found by name. Knows no socket and no HTTP but the
 * chunked framing, which a body is given once, at the first request for it.
 */
#ifndef BENCH_BODIES_H
#define BENCH_BODIES_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct body {
    char name[128];            /* "NAME", or "SIZE/NAME" for a chunked form */
    char *at;
    size_t size;
    int file;
    const char *type;          /* Content-Type */
    struct body *next;
};

static struct body *bodies;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct body *add_body(const char *name, const char *at, size_t size)
{
    struct body *body = calloc(1, sizeof *body);
    if (!body)
        die("calloc");
    snprintf(body->name, sizeof body->name, "%s", name);
    body->file = memfd_create("body", 0);
    if (body->file < 0 || ftruncate(body->file, (off_t)size) < 0)
        die("memfd");
    body->at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, body->file, 0);
    if (body->at == MAP_FAILED)
        die("mmap");
    memcpy(body->at, at, size);
    body->size = size;
    body->type = strstr(name, "events") ? "text/event-stream" : "text/plain";
    body->next = bodies;
    bodies = body;
    return body;
}

static struct body *find_body(const char *name)
{
    struct body *body = bodies;
    while (body && strcmp(body->name, name) != 0)
        body = body->next;
    return body;
}

static void load_bodies(const char *directory)
{
    DIR *entries = opendir(directory);
    struct dirent *entry;
    if (!entries || chdir(directory) < 0)
        die(directory);
    while ((entry = readdir(entries))) {
        struct stat status;
        int file;
        char *at;
        if (stat(entry->d_name, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
            continue;
        file = open(entry->d_name, O_RDONLY);
        at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (file < 0 || at == MAP_FAILED)
            die(entry->d_name);
        add_body(entry->d_name, at, (size_t)status.st_size);
        munmap(at, (size_t)status.st_size);
        close(file);
    }
    closedir(entries);
}

/* The chunked form of a body, made at its first request and kept. */
static struct body *chunked_body(struct body *plain, size_t chunk_size)
{
    char name[160], size_line[32];
    struct body *body;
    size_t line_size, chunks = plain->size / chunk_size;
    char *wire, *at;
    snprintf(name, sizeof name, "%zu/%s", chunk_size, plain->name);
    body = find_body(name);
    if (body)
        return body;
    line_size = (size_t)snprintf(size_line, sizeof size_line, "%zx\r\n", chunk_size);
    at = wire = malloc(chunks * (line_size + chunk_size + 2));
    if (!wire)
        die("malloc");
    for (size_t i = 0; i < chunks; i++) {
        memcpy(at, size_line, line_size);
        memcpy(at + line_size, plain->at + i * chunk_size, chunk_size);
        memcpy(at + line_size + chunk_size, "\r\n", 2);
        at += line_size + chunk_size + 2;
    }
    body = add_body(name, wire, (size_t)(at - wire));
    free(wire);
    return body;
}

#endif
