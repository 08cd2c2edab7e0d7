/* What the files of beanload share. The program is described in main.c. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- failure.c ---- */

void die(const char *what) __attribute__((noreturn));
void *checked(void *allocated);

/* ---- buffer.c: bytes to be written, and bytes that were read and not handled yet ---- */

struct buffer {
    char *bytes;
    size_t start, end, capacity;
};

void buffer_reserve(struct buffer *buffer, size_t more);
void buffer_add(struct buffer *buffer, const void *bytes, size_t length);
void buffer_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- histogram.c: latencies in microseconds, with an error of at most 1 % ---- */

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_CELLS = 26 * HISTOGRAM_STEPS };

struct histogram {
    uint64_t count, largest;
    uint64_t cells[HISTOGRAM_CELLS];
};

void histogram_add(struct histogram *histogram, uint64_t microseconds);
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

/* ---- deliveries.c: which tasks were put, which were delivered, and what was wrong ---- */

struct deliveries {
    uint64_t backlog;    /* tasks 0 to backlog-1 existed before */
    uint64_t tasks;      /* tasks backlog to backlog+tasks-1 are put by this run, or drained by it */
    size_t size;         /* bytes of a body: 20 digits, then a fixed pattern */
    char *pattern;
    uint8_t *seen;       /* one bit per task */
    uint64_t *put_at;    /* when each was put, in nanoseconds; 0: before this run */
    uint64_t received, duplicates, altered;
};

void deliveries_open(struct deliveries *deliveries, uint64_t backlog, uint64_t tasks, size_t size);
/* Writes the body of a task into `body`, which has room for `size` bytes. */
void deliveries_body(const struct deliveries *deliveries, uint64_t task, char *body);
/* Records a delivered body. Returns when it was put, 0 if that is unknown. */
uint64_t deliveries_receive(struct deliveries *deliveries, const char *body, size_t length);
/* Returns how many tasks of this run were not delivered. */
uint64_t deliveries_missing(const struct deliveries *deliveries);

/* ---- beanstalk.c, resp.c: the same commands in two protocols ---- */

enum command { SETUP, PUT, RESERVE, FINISH };

enum meaning {
    INCOMPLETE,  /* more bytes are needed */
    DONE,        /* the command did what it should */
    TASK,        /* a task for a reserve; `body`, `body_length` and `id` are set */
    AGAIN,       /* a reserve was answered without a task and has to be repeated */
    WRONG,       /* anything else */
};

struct reply {
    enum meaning meaning;
    size_t length;  /* bytes it takes */
    uint64_t id;
    const char *body;
    size_t body_length;
};

struct connection;

struct protocol {
    const char *name;
    /* Chooses the queue; returns how many replies will come. */
    int (*setup)(struct connection *connection, const char *queue);
    void (*put)(struct connection *connection, const char *body, size_t length);
    /* Asks for one task. If `waits`, there may be none yet. */
    void (*reserve)(struct connection *connection, bool waits);
    void (*finish)(struct connection *connection, const struct reply *task);
    struct reply (*parse)(const char *bytes, size_t length, enum command answered);
};

extern const struct protocol beanstalk, resp;

/* ---- connection.c: a socket, its buffers, and its requests without an answer ---- */

struct request {
    enum command command;
    uint64_t sent_at;
};

enum role { PRODUCER, CONSUMER, LIFE };

struct connection {
    int number, port_index, descriptor;
    enum role role;
    const char *queue;
    char own_queue[32];  /* Redis: the list of this consumer's tasks */
    struct buffer in, out;
    bool awaits_room;
    struct request *requests;  /* a ring: sent and not answered, oldest first */
    size_t first_request, n_requests, request_capacity;
};

void connection_open(struct connection *connection, uint16_t port, int epoll);
void connection_expect(struct connection *connection, enum command command, uint64_t now);
struct request connection_answered(struct connection *connection);
/* Writes as much as possible. */
void connection_flush(struct connection *connection, int epoll);
/* Reads what has come; returns false if the server has closed the connection. */
bool connection_fill(struct connection *connection);

#endif
