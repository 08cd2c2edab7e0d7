#define _GNU_SOURCE
#include "load.h"

#include <stdlib.h>
#include <string.h>

static int setup(struct connection *connection, const char *queue) {
    if (strcmp(queue, "default") == 0) return 0;
    buffer_format(&connection->out, "use %s\r\nwatch %s\r\nignore default\r\n", queue, queue);
    return 3;
}

static void put(struct connection *connection, const char *body, size_t length) {
    buffer_format(&connection->out, "put 1024 0 120 %zu\r\n", length);
    buffer_add(&connection->out, body, length);
    buffer_add(&connection->out, "\r\n", 2);
}

static void reserve(struct connection *connection, bool waits) {
    (void)waits;
    buffer_add(&connection->out, "reserve\r\n", 9);
}

static void finish(struct connection *connection, const struct reply *task) {
    buffer_format(&connection->out, "delete %llu\r\n", (unsigned long long)task->id);
}

static bool begins(const char *line, size_t length, const char *word) {
    size_t n = strlen(word);
    return length >= n && memcmp(line, word, n) == 0;
}

static struct reply parse(const char *bytes, size_t length, enum command answered) {
    struct reply reply = {.meaning = INCOMPLETE};
    const char *end = memmem(bytes, length < 300 ? length : 300, "\r\n", 2);
    if (!end) {
        if (length >= 300) reply = (struct reply){.meaning = WRONG, .length = length};
        return reply;
    }
    size_t line = (size_t)(end - bytes) + 2;
    reply = (struct reply){.meaning = WRONG, .length = line};
    switch (answered) {
    case SETUP:
        if (begins(bytes, line, "USING ") || begins(bytes, line, "WATCHING ")) reply.meaning = DONE;
        break;
    case PUT:
        if (begins(bytes, line, "INSERTED ")) reply.meaning = DONE;
        break;
    case FINISH:
        if (begins(bytes, line, "DELETED\r\n")) reply.meaning = DONE;
        break;
    case RESERVE:
        if (begins(bytes, line, "DEADLINE_SOON\r\n") || begins(bytes, line, "TIMED_OUT\r\n")) reply.meaning = AGAIN;
        if (!begins(bytes, line, "RESERVED ")) break;
        char *rest;
        reply.id = strtoull(bytes + 9, &rest, 10);
        reply.body_length = strtoull(rest, NULL, 10);
        reply.body = bytes + line;
        reply.length = line + reply.body_length + 2;
        reply.meaning = length < reply.length ? INCOMPLETE : TASK;
        break;
    }
    return reply;
}

const struct protocol beanstalk = {"beanstalk", setup, put, reserve, finish, parse};
