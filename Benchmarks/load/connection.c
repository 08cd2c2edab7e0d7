#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void connection_open(struct connection *connection, uint16_t port, int epoll) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    connection->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->descriptor < 0) die("socket");
    if (connect(connection->descriptor, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
    setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(connection->descriptor, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->descriptor, &event) != 0) die("epoll_ctl");
}

void connection_expect(struct connection *connection, enum command command, uint64_t now) {
    if (connection->n_requests == connection->request_capacity) {
        size_t capacity = connection->request_capacity ? connection->request_capacity * 2 : 16;
        struct request *requests = checked(malloc(capacity * sizeof *requests));
        for (size_t i = 0; i < connection->n_requests; i++)
            requests[i] = connection->requests[(connection->first_request + i) % connection->request_capacity];
        free(connection->requests);
        connection->requests = requests;
        connection->request_capacity = capacity;
        connection->first_request = 0;
    }
    size_t next = (connection->first_request + connection->n_requests++) % connection->request_capacity;
    connection->requests[next] = (struct request){command, now};
}

struct request connection_answered(struct connection *connection) {
    struct request request = connection->requests[connection->first_request];
    connection->first_request = (connection->first_request + 1) % connection->request_capacity;
    connection->n_requests--;
    return request;
}

void connection_flush(struct connection *connection, int epoll) {
    struct buffer *out = &connection->out;
    while (out->start < out->end) {
        ssize_t written = write(connection->descriptor, out->bytes + out->start, out->end - out->start);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) break;
        if (written < 0) die("write");
        out->start += (size_t)written;
    }
    bool awaits_room = out->start < out->end;
    if (awaits_room == connection->awaits_room) return;
    struct epoll_event event = {.events = EPOLLIN | (awaits_room ? EPOLLOUT : 0), .data.ptr = connection};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, connection->descriptor, &event) != 0) die("epoll_ctl");
    connection->awaits_room = awaits_room;
}

bool connection_fill(struct connection *connection) {
    struct buffer *in = &connection->in;
    buffer_reserve(in, 16384);
    ssize_t n = read(connection->descriptor, in->bytes + in->end, in->capacity - in->end);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n < 0 && errno == ECONNRESET) return false;
    if (n < 0) die("read");
    in->end += (size_t)n;
    return n > 0;
}
