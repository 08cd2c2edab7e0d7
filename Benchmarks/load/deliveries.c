#include "load.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS = 20 };

void deliveries_open(struct deliveries *deliveries, uint64_t backlog, uint64_t tasks, size_t size) {
    deliveries->backlog = backlog;
    deliveries->tasks = tasks;
    deliveries->size = size < DIGITS ? DIGITS : size;
    deliveries->pattern = checked(malloc(deliveries->size));
    for (size_t i = 0; i < deliveries->size; i++) deliveries->pattern[i] = (char)('a' + i % 26);
    deliveries->seen = checked(calloc((backlog + tasks) / 8 + 1, 1));
    deliveries->put_at = checked(calloc(tasks + 1, sizeof *deliveries->put_at));
}

void deliveries_body(const struct deliveries *deliveries, uint64_t task, char *body) {
    for (int i = DIGITS - 1; i >= 0; i--, task /= 10) body[i] = (char)('0' + task % 10);
    memcpy(body + DIGITS, deliveries->pattern, deliveries->size - DIGITS);
}

uint64_t deliveries_receive(struct deliveries *deliveries, const char *body, size_t length) {
    deliveries->received++;
    uint64_t task = 0;
    bool is_ours = length == deliveries->size;
    for (int i = 0; is_ours && i < DIGITS; i++) {
        is_ours = body[i] >= '0' && body[i] <= '9';
        task = task * 10 + (uint64_t)(body[i] - '0');
    }
    if (!is_ours || task >= deliveries->backlog + deliveries->tasks ||
        memcmp(body + DIGITS, deliveries->pattern, deliveries->size - DIGITS) != 0) {
        deliveries->altered++;
        return 0;
    }
    uint8_t bit = (uint8_t)(1u << (task & 7));
    if (deliveries->seen[task >> 3] & bit) deliveries->duplicates++;
    deliveries->seen[task >> 3] |= bit;
    return task < deliveries->backlog ? 0 : deliveries->put_at[task - deliveries->backlog];
}

uint64_t deliveries_missing(const struct deliveries *deliveries) {
    uint64_t found = 0;
    for (uint64_t task = 0; task < deliveries->backlog + deliveries->tasks; task++)
        found += (deliveries->seen[task >> 3] >> (task & 7)) & 1;
    return found < deliveries->tasks ? deliveries->tasks - found : 0;
}
