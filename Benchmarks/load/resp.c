/* Redis as a reliable queue: LPUSH puts. LMOVE, or BLMOVE if it may have to wait, moves a task to a list of the consumer, so
 * that it is not lost with the consumer. LREM ends it. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(struct connection *connection, const char *queue) {
    connection->queue = queue;
    snprintf(connection->own_queue, sizeof connection->own_queue, "taken-by-%d", connection->number);
    return 0;
}

static void add_text(struct buffer *out, const char *text) { buffer_format(out, "$%zu\r\n%s\r\n", strlen(text), text); }

static void add_body(struct buffer *out, const char *body, size_t length) {
    buffer_format(out, "$%zu\r\n", length);
    buffer_add(out, body, length);
    buffer_add(out, "\r\n", 2);
}

static void put(struct connection *connection, const char *body, size_t length) {
    buffer_add(&connection->out, "*3\r\n$5\r\nLPUSH\r\n", 15);
    add_text(&connection->out, connection->queue);
    add_body(&connection->out, body, length);
}

static void reserve(struct connection *connection, bool waits) {
    const char *head = waits ? "*6\r\n$6\r\nBLMOVE\r\n" : "*5\r\n$5\r\nLMOVE\r\n";
    buffer_add(&connection->out, head, strlen(head));
    add_text(&connection->out, connection->queue);
    add_text(&connection->out, connection->own_queue);
    buffer_add(&connection->out, "$5\r\nRIGHT\r\n$4\r\nLEFT\r\n", 21);
    if (waits) buffer_add(&connection->out, "$1\r\n0\r\n", 7);
}

static void finish(struct connection *connection, const struct reply *task) {
    buffer_add(&connection->out, "*4\r\n$4\r\nLREM\r\n", 14);
    add_text(&connection->out, connection->own_queue);
    buffer_add(&connection->out, "$2\r\n-1\r\n", 8);
    add_body(&connection->out, task->body, task->body_length);
}

static struct reply parse(const char *bytes, size_t length, enum command answered) {
    struct reply reply = {.meaning = INCOMPLETE};
    const char *end = memmem(bytes, length < 300 ? length : 300, "\r\n", 2);
    if (!end) {
        if (length >= 300) reply = (struct reply){.meaning = WRONG, .length = length};
        return reply;
    }
    size_t line = (size_t)(end - bytes) + 2;
    long long number = strtoll(bytes + 1, NULL, 10);
    reply = (struct reply){.meaning = WRONG, .length = line};
    if (bytes[0] == ':' && answered == PUT && number > 0) reply.meaning = DONE;
    if (bytes[0] == ':' && answered == FINISH && number == 1) reply.meaning = DONE;
    if (bytes[0] == '$' && answered == RESERVE && number >= 0) {
        reply.body = bytes + line;
        reply.body_length = (size_t)number;
        reply.length = line + reply.body_length + 2;
        reply.meaning = length < reply.length ? INCOMPLETE : TASK;
    }
    return reply;
}

const struct protocol resp = {"redis", setup, put, reserve, finish, parse};
