/* beanload: what its files share. The program is described in main.c. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- buffer.c: bytes to be written, bytes read and not yet understood ---- */

struct buffer {
    char *bytes;
    size_t start, end, capacity;
};

void buffer_reserve(struct buffer *buffer, size_t more);
void buffer_add(struct buffer *buffer, const void *bytes, size_t length);
void buffer_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *checked(void *allocated);

/* ---- histogram.c: latencies, in microseconds, within 1 % of the truth ---- */

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_CELLS = 26 * HISTOGRAM_STEPS };

struct histogram {
    uint64_t count, largest;
    uint64_t cells[HISTOGRAM_CELLS];
};

void histogram_add(struct histogram *histogram, uint64_t microseconds);
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

/* ---- ledger.c: which tasks were put and which were received; what was wrong ---- */

struct ledger {
    uint64_t backlog;    /* tasks 0 to backlog-1 were there before */
    uint64_t tasks;      /* tasks backlog to backlog+tasks-1 are put by this run, or drained by it */
    size_t size;         /* bytes of a body: 20 digits, then a fixed pattern */
    char *pattern;
    uint8_t *seen;       /* one bit a task */
    uint64_t *put_at;    /* when each was put, in nanoseconds; 0: before this run */
    uint64_t received, duplicates, altered;
};

void ledger_open(struct ledger *ledger, uint64_t backlog, uint64_t tasks, size_t size);
/* Writes the body of a task into `body`, which has room for `size` bytes. */
void ledger_body(const struct ledger *ledger, uint64_t task, char *body);
/* Enters a received body. Returns when it was put, or 0 where that is not known. */
uint64_t ledger_receive(struct ledger *ledger, const char *body, size_t length);
/* Tasks of this run not received. */
uint64_t ledger_missing(const struct ledger *ledger);

/* ---- beanstalk.c, resp.c: two ways of saying the same ---- */

enum command { SETUP, PUT, RESERVE, FINISH };

enum meaning {
    INCOMPLETE,  /* more bytes are needed */
    DONE,        /* the command did what it should */
    TASK,        /* a task for a reserve; `body`, `body_length` and `id` are set */
    AGAIN,       /* a reserve came back without a task and is to be repeated */
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
    /* Asks for one task; `waits` says whether there may be none yet. */
    void (*reserve)(struct connection *connection, bool waits);
    void (*finish)(struct connection *connection, const struct reply *task);
    struct reply (*parse)(const char *bytes, size_t length, enum command answered);
};

extern const struct protocol beanstalk, resp;

/* ---- connection.c: a socket, what is on its way, and what is owed on it ---- */

struct request {
    enum command command;
    uint64_t sent_at;
};

enum role { PRODUCER, CONSUMER, LIFE };

struct connection {
    int number, port_index, descriptor;
    enum role role;
    const char *queue;
    char own_queue[32];  /* Redis: where this consumer keeps what it has taken */
    struct buffer in, out;
    bool awaits_room;
    struct request *requests;  /* a ring: sent and not answered, oldest first */
    size_t first_request, n_requests, request_capacity;
};

void connection_open(struct connection *connection, uint16_t port, int epoll);
void connection_expect(struct connection *connection, enum command command, uint64_t now);
struct request connection_answered(struct connection *connection);
/* Writes what can be written. */
void connection_flush(struct connection *connection, int epoll);
/* Reads what has come; returns false if the server has closed the connection. */
bool connection_fill(struct connection *connection);

/* ---- main.c ---- */

void die(const char *what) __attribute__((noreturn));

#endif
