/* beanload: loads task queues over TCP, measures them, and checks that each task is delivered exactly once.
 *
 *   beanload --ports 11300,11301 --mode life --connections 64 --tasks 100000
 *
 * One thread, one epoll. All servers get the same load from the same code, in the commands of their protocol (beanstalk.c,
 * resp.c). Connections are distributed evenly over the ports.
 *
 * --mode put     every connection puts, `--depth` puts in flight, until `--tasks` are acknowledged
 *        drain   every connection reserves and finishes, `--reserves` in flight, until `--tasks` (put before) are gone
 *        life    every connection puts, reserves and finishes in turn
 *        mixed   half of the connections put, the other half reserve and finish
 *        wake    one task at a time: reserved on one port, put on the next one `--gap` microseconds later
 *        idle    every connection reserves, and no task comes, until `--time-limit`
 *
 * Every body begins with the number of its task. A bitmap of the delivered numbers shows which tasks came twice or never.
 * The rest of the body shows which tasks were altered. In each of these cases, and after an unexpected reply, the exit status
 * is 1. Tasks with numbers below `--backlog` may come instead of those that are put here.
 *
 * The output is one line of key=value. Latencies are microseconds from handing a command to the socket to reading its
 * answer; e2e is from put sent to task received; share is the part of all answers that each port gave.
 */
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum mode { MODE_PUT, MODE_DRAIN, MODE_LIFE, MODE_MIXED, MODE_WAKE, MODE_IDLE };
static const char *const mode_names[] = {"put", "drain", "life", "mixed", "wake", "idle", NULL};

enum { MOST_PORTS = 64 };

static struct {
    const struct protocol *protocol;
    enum mode mode;
    uint16_t ports[MOST_PORTS];
    int n_ports, connections, depth, reserves;
    uint64_t tasks, backlog, gap_us, time_limit_s;
    size_t size;
    const char *queue;
} options = {
    .protocol = &beanstalk, .mode = MODE_LIFE, .connections = 64, .depth = 1, .reserves = 1, .tasks = 10000,
    .gap_us = 5000, .time_limit_s = 60, .size = 100, .queue = "default"};

static struct deliveries deliveries;
static struct connection *connections;
static int epoll;
static char *body;
static uint64_t now;  /* nanoseconds, read once per piece of input */
static uint64_t puts_sent, puts_done, reserves_sent, finished;
static uint64_t answers[MOST_PORTS];
static struct histogram latencies[FINISH + 1], end_to_end;
static uint64_t next_wake_at;  /* mode wake: when the waiting consumer gets its task */

static void read_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    now = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* ---- What a connection does next ---- */

static void send_put(struct connection *connection) {
    uint64_t task = puts_sent++;
    deliveries.put_at[task] = now;
    deliveries_body(&deliveries, deliveries.backlog + task, body);
    options.protocol->put(connection, body, deliveries.size);
    connection_expect(connection, PUT, now);
}

static void send_reserve(struct connection *connection) {
    reserves_sent++;
    options.protocol->reserve(connection, options.mode >= MODE_MIXED);
    connection_expect(connection, RESERVE, now);
}

/* No more reserves are sent than there are tasks: one more would wait without end, before a finish. */
static void send_reserve_if_due(struct connection *connection) {
    if (reserves_sent < deliveries.tasks || options.mode == MODE_IDLE) send_reserve(connection);
}

static struct connection *wake_producer(void) { return &connections[puts_sent % (uint64_t)options.n_ports]; }

static struct connection *wake_consumer(void) {
    uint64_t n = (uint64_t)options.n_ports;
    return &connections[n + (puts_sent + 1) % n];
}

static void begin_wake(void) {
    send_reserve(wake_consumer());
    connection_flush(wake_consumer(), epoll);
    next_wake_at = now + options.gap_us * 1000;
}

static void continue_wake(void) {
    struct connection *producer = wake_producer();
    next_wake_at = 0;
    send_put(producer);
    connection_flush(producer, epoll);
}

static void start(struct connection *connection) {
    switch (connection->role) {
    case PRODUCER:
        for (int i = 0; i < options.depth && puts_sent < deliveries.tasks; i++) send_put(connection);
        break;
    case CONSUMER:
        for (int i = 0; i < options.reserves; i++) send_reserve_if_due(connection);
        break;
    case LIFE:
        if (puts_sent < deliveries.tasks) send_put(connection);
        break;
    }
}

static void received(struct connection *connection, const struct reply *task) {
    uint64_t put_at = deliveries_receive(&deliveries, task->body, task->body_length);
    if (put_at) histogram_add(&end_to_end, (now - put_at) / 1000);
    options.protocol->finish(connection, task);
    connection_expect(connection, FINISH, now);
    if (connection->role == CONSUMER && options.mode != MODE_WAKE) send_reserve_if_due(connection);
}

static void done(struct connection *connection, enum command command) {
    if (command == PUT) {
        puts_done++;
        if (connection->role == LIFE) send_reserve(connection);
        else if (options.mode != MODE_WAKE && puts_sent < deliveries.tasks) send_put(connection);
    } else if (command == FINISH) {
        finished++;
        if (connection->role == LIFE && puts_sent < deliveries.tasks) send_put(connection);
        else if (options.mode == MODE_WAKE && puts_sent < deliveries.tasks) begin_wake();
    }
}

static void wrong(const struct connection *connection, const char *bytes, size_t length) {
    fprintf(stderr, "beanload: unexpected answer on port %d: %.*s\n", options.ports[connection->port_index],
            (int)(length < 200 ? length : 200), bytes);
    exit(1);
}

/* Handles all complete answers that have come. */
static void answer(struct connection *connection) {
    struct buffer *in = &connection->in;
    while (in->start < in->end) {
        const char *bytes = in->bytes + in->start;
        if (connection->n_requests == 0) wrong(connection, bytes, in->end - in->start);
        enum command command = connection->requests[connection->first_request].command;
        struct reply reply = options.protocol->parse(bytes, in->end - in->start, command);
        if (reply.meaning == INCOMPLETE) break;
        if (reply.meaning == WRONG) wrong(connection, bytes, reply.length);
        struct request request = connection_answered(connection);
        if (reply.meaning == AGAIN) {
            reserves_sent--;
            send_reserve(connection);
        } else {
            answers[connection->port_index]++;
            histogram_add(&latencies[command], (now - request.sent_at) / 1000);
            if (reply.meaning == TASK) received(connection, &reply);
            else done(connection, command);
        }
        in->start += reply.length;
    }
}

/* ---- The run ---- */

static void serve(struct epoll_event *event) {
    struct connection *connection = event->data.ptr;
    if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        if (!connection_fill(connection)) {
            fprintf(stderr, "beanload: port %d closed a connection\n", options.ports[connection->port_index]);
            exit(1);
        }
        read_clock();
        answer(connection);
    }
    connection_flush(connection, epoll);
}

static int wait_ms(void) {
    if (!next_wake_at) return 100;
    read_clock();
    return next_wake_at <= now ? 0 : (int)((next_wake_at - now + 999999) / 1000000);
}

/* Runs until `is_over`; returns false if the time limit came first. */
static bool run(bool (*is_over)(void), uint64_t deadline) {
    struct epoll_event events[256];
    while (!is_over()) {
        int n = epoll_wait(epoll, events, 256, wait_ms());
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) serve(&events[i]);
        read_clock();
        if (next_wake_at && next_wake_at <= now) continue_wake();
        if (now > deadline) return false;
    }
    return true;
}

static bool is_over(void) {
    if (options.mode == MODE_IDLE) return false;
    return (options.mode == MODE_PUT ? puts_done : finished) == deliveries.tasks && puts_done == puts_sent;
}

static bool is_set_up(void) {
    for (int i = 0; i < options.connections; i++)
        if (connections[i].n_requests > 0) return false;
    return true;
}

static enum role role_of(int number) {
    switch (options.mode) {
    case MODE_PUT: return PRODUCER;
    case MODE_LIFE: return LIFE;
    case MODE_MIXED: return number < (options.connections + 1) / 2 ? PRODUCER : CONSUMER;
    case MODE_WAKE: return number < options.n_ports ? PRODUCER : CONSUMER;
    case MODE_DRAIN:
    case MODE_IDLE: break;
    }
    return CONSUMER;
}

static void open_connections(uint64_t deadline) {
    if (options.mode == MODE_WAKE) options.connections = 2 * options.n_ports;
    connections = checked(calloc((size_t)options.connections, sizeof *connections));
    for (int i = 0; i < options.connections; i++) {
        struct connection *connection = &connections[i];
        connection->number = i;
        connection->port_index = i % options.n_ports;
        connection->role = role_of(i);
        connection_open(connection, options.ports[connection->port_index], epoll);
        for (int n = options.protocol->setup(connection, options.queue); n > 0; n--)
            connection_expect(connection, SETUP, now);
        connection_flush(connection, epoll);
    }
    if (!run(is_set_up, deadline)) die("no answer from a server");
    memset(answers, 0, sizeof answers);
}

static void report_latency(const char *name, const struct histogram *histogram) {
    if (!histogram->count) return;
    printf(" %s_p50=%llu %s_p99=%llu %s_max=%llu", name, (unsigned long long)histogram_percentile(histogram, 50), name,
           (unsigned long long)histogram_percentile(histogram, 99), name, (unsigned long long)histogram->largest);
}

static int report(double seconds, bool in_time) {
    uint64_t tasks = options.mode == MODE_PUT ? puts_done : finished, all = 0;
    uint64_t missing = options.mode == MODE_PUT || options.mode == MODE_IDLE ? 0 : deliveries_missing(&deliveries);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("mode=%s protocol=%s connections=%d depth=%d reserves=%d bytes=%zu tasks=%llu seconds=%.4f tasks_per_s=%.0f",
           mode_names[options.mode], options.protocol->name, options.connections, options.depth, options.reserves,
           deliveries.size, (unsigned long long)tasks, seconds, (double)tasks / seconds);
    report_latency("put", &latencies[PUT]);
    report_latency("reserve", &latencies[RESERVE]);
    report_latency("delete", &latencies[FINISH]);
    report_latency("e2e", &end_to_end);
    for (int i = 0; i < options.n_ports; i++) all += answers[i];
    for (int i = 0; i < options.n_ports; i++)
        printf("%s%.4f", i ? "," : " share=", all ? (double)answers[i] / (double)all : 0.0);
    printf(" client_cpu=%.3f duplicates=%llu missing=%llu altered=%llu\n", cpu, (unsigned long long)deliveries.duplicates,
           (unsigned long long)missing, (unsigned long long)deliveries.altered);
    if (!in_time) fprintf(stderr, "beanload: not done within %llu s\n", (unsigned long long)options.time_limit_s);
    return deliveries.duplicates || missing || deliveries.altered || !in_time;
}

static void usage(void) {
    fprintf(stderr, "usage: beanload --ports PORT[,PORT...] --mode put|drain|life|mixed|wake|idle [--protocol beanstalk|redis]\n"
                    "                [--connections N] [--depth N] [--reserves N] [--tasks N] [--bytes N] [--backlog N]\n"
                    "                [--queue NAME] [--gap MICROSECONDS] [--time-limit SECONDS]\n");
    exit(64);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || value < least || value > most) {
        fprintf(stderr, "beanload: %s is not a number from %llu to %llu\n", text, (unsigned long long)least,
                (unsigned long long)most);
        usage();
    }
    return value;
}

static void parse_options(int argc, char **argv) {
    static const struct option known[] = {
        {"ports", 1, NULL, 'p'},   {"mode", 1, NULL, 'm'},     {"protocol", 1, NULL, 'P'}, {"connections", 1, NULL, 'c'},
        {"depth", 1, NULL, 'd'},   {"reserves", 1, NULL, 'r'}, {"tasks", 1, NULL, 'n'},    {"bytes", 1, NULL, 's'},
        {"backlog", 1, NULL, 'b'}, {"queue", 1, NULL, 'q'},    {"gap", 1, NULL, 'g'},      {"time-limit", 1, NULL, 't'},
        {NULL, 0, NULL, 0}};
    const uint64_t many = 1000000000;
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) switch (option) {
        case 'p':
            for (char *port = strtok(optarg, ","); port && options.n_ports < MOST_PORTS; port = strtok(NULL, ","))
                options.ports[options.n_ports++] = (uint16_t)number(port, 1, 65535);
            break;
        case 'm':
            for (options.mode = 0; mode_names[options.mode] && strcmp(mode_names[options.mode], optarg) != 0;) options.mode++;
            if (!mode_names[options.mode]) usage();
            break;
        case 'P':
            if (strcmp(optarg, resp.name) == 0) options.protocol = &resp;
            else if (strcmp(optarg, beanstalk.name) != 0) usage();
            break;
        case 'c': options.connections = (int)number(optarg, 1, 100000); break;
        case 'd': options.depth = (int)number(optarg, 1, 100000); break;
        case 'r': options.reserves = (int)number(optarg, 1, 100000); break;
        case 'n': options.tasks = number(optarg, 1, many); break;
        case 's': options.size = number(optarg, 20, 1 << 24); break;
        case 'b': options.backlog = number(optarg, 0, many); break;
        case 'q': options.queue = optarg; break;
        case 'g': options.gap_us = number(optarg, 0, 60000000); break;
        case 't': options.time_limit_s = number(optarg, 1, 86400); break;
        default: usage();
    }
    if (optind < argc || options.n_ports == 0 || strlen(options.queue) > 100) usage();
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) die("epoll_create1");
    deliveries_open(&deliveries, options.backlog, options.tasks, options.size);
    body = checked(malloc(deliveries.size));
    read_clock();
    uint64_t deadline = now + options.time_limit_s * 1000000000u;
    open_connections(deadline);

    read_clock();
    uint64_t began = now;
    if (options.mode == MODE_WAKE) begin_wake();
    else for (int i = 0; i < options.connections; i++) {
        read_clock();
        start(&connections[i]);
        connection_flush(&connections[i], epoll);
    }
    bool in_time = run(is_over, deadline) || options.mode == MODE_IDLE;
    read_clock();
    return report((double)(now - began) / 1e9, in_time);
}
