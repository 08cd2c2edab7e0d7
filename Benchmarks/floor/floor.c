/* floor: the least that a server can do for the load generator; no measurement can be faster.
 *
 *   floor PORT
 *
 * One thread, one epoll, a first-in first-out queue of bodies in memory. It knows put, reserve and delete, and gives the
 * expected replies to use, watch and ignore. It has no priorities, tubes or claims. It costs only the kernel's TCP and
 * parsing the commands: no server that keeps tasks can be faster on one core.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct buffer {
    char *bytes;
    size_t start, end, capacity;
};

struct connection {
    int descriptor;
    struct buffer in, out;
    int waiting;              /* reserves that found nothing */
    struct connection *next;  /* in the line of waiting connections */
    int in_line;
};

struct task {
    char *body;
    size_t length;
};

static int epoll;
static struct task *queue;
static size_t first, count, room;
static uint64_t last_id;
static struct connection *line_head, *line_tail;

static void die(const char *what) {
    perror(what);
    exit(2);
}

static void *checked(void *allocated) {
    if (!allocated) die("out of memory");
    return allocated;
}

static void make_room(struct buffer *buffer, size_t more) {
    if (buffer->start > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->end - buffer->start);
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    if (buffer->end + more <= buffer->capacity) return;
    buffer->capacity = (buffer->end + more) * 2;
    buffer->bytes = checked(realloc(buffer->bytes, buffer->capacity));
}

static void say(struct connection *connection, const char *bytes, size_t length) {
    if (connection->out.end + length > connection->out.capacity) make_room(&connection->out, length);
    memcpy(connection->out.bytes + connection->out.end, bytes, length);
    connection->out.end += length;
}

static void flush(struct connection *connection) {
    struct buffer *out = &connection->out;
    while (out->start < out->end) {
        ssize_t n = write(connection->descriptor, out->bytes + out->start, out->end - out->start);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        out->start += (size_t)n;
    }
    if (out->start == out->end) out->start = out->end = 0;
    struct epoll_event event = {.events = EPOLLIN | (out->end ? EPOLLOUT : 0), .data.ptr = connection};
    if (out->end && epoll_ctl(epoll, EPOLL_CTL_MOD, connection->descriptor, &event) != 0) die("epoll_ctl");
}

static void enqueue(const char *body, size_t length) {
    if (count == room) {
        size_t larger = room ? room * 2 : 1024;
        struct task *tasks = checked(malloc(larger * sizeof *tasks));
        for (size_t i = 0; i < count; i++) tasks[i] = queue[(first + i) % room];
        free(queue);
        queue = tasks;
        room = larger;
        first = 0;
    }
    queue[(first + count++) % room] = (struct task){memcpy(checked(malloc(length)), body, length), length};
}

static void hand_out(struct connection *connection) {
    char head[64];
    struct task task = queue[first];
    first = (first + 1) % room;
    count--;
    say(connection, head, (size_t)snprintf(head, sizeof head, "RESERVED %llu %zu\r\n", (unsigned long long)++last_id,
                                           task.length - 2));
    say(connection, task.body, task.length);
    free(task.body);
}

static void serve_line(void) {
    while (count > 0 && line_head) {
        struct connection *connection = line_head;
        hand_out(connection);
        flush(connection);
        if (--connection->waiting > 0) continue;
        line_head = connection->next;
        connection->in_line = 0;
    }
}

static void reserve(struct connection *connection) {
    if (count > 0) {
        hand_out(connection);
        return;
    }
    connection->waiting++;
    if (connection->in_line) return;
    connection->in_line = 1;
    connection->next = NULL;
    if (line_head) line_tail->next = connection;
    else line_head = connection;
    line_tail = connection;
}

/* Executes one command; returns its length, 0 if it is not complete. */
static size_t command(struct connection *connection, const char *bytes, size_t length) {
    const char *end = memmem(bytes, length, "\r\n", 2);
    if (!end) return 0;
    size_t line = (size_t)(end - bytes) + 2;
    char answer[64];
    switch (bytes[0]) {
    case 'p': {
        const char *last = memrchr(bytes, ' ', line);
        size_t body = (last ? strtoul(last, NULL, 10) : 0) + 2;
        if (length < line + body) return 0;
        enqueue(bytes + line, body);
        say(connection, answer, (size_t)snprintf(answer, sizeof answer, "INSERTED %llu\r\n", (unsigned long long)++last_id));
        return line + body;
    }
    case 'r': reserve(connection); break;
    case 'd': say(connection, "DELETED\r\n", 9); break;
    case 'u': say(connection, "USING x\r\n", 9); break;
    default: say(connection, "WATCHING 1\r\n", 12);
    }
    return line;
}

/* Returns 0 if the client has gone. */
static int receive(struct connection *connection) {
    struct buffer *in = &connection->in;
    make_room(in, 16384);
    ssize_t n = read(connection->descriptor, in->bytes + in->end, in->capacity - in->end);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
    if (n <= 0) return 0;
    in->end += (size_t)n;
    size_t used;
    while (in->start < in->end && (used = command(connection, in->bytes + in->start, in->end - in->start))) in->start += used;
    return 1;
}

static void forget(struct connection *connection) {
    close(connection->descriptor);
    if (connection->in_line) return;  /* the line still points here; this server may leak that */
    free(connection->in.bytes);
    free(connection->out.bytes);
    free(connection);
}

static void take_in(int listener) {
    int one = 1, descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct connection *connection = checked(calloc(1, sizeof *connection));
    connection->descriptor = descriptor;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) die("epoll_ctl");
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: floor PORT\n");
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
    if (listen(listener, 1024) != 0) die("listen");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256], event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) die("epoll");
    for (;;) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) take_in(listener);
            else if (!receive(connection)) forget(connection);
            else flush(connection);
        }
        serve_line();
    }
}
