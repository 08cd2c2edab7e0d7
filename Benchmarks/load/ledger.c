#include "load.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS = 20 };

void ledger_open(struct ledger *ledger, uint64_t backlog, uint64_t tasks, size_t size) {
    ledger->backlog = backlog;
    ledger->tasks = tasks;
    ledger->size = size < DIGITS ? DIGITS : size;
    ledger->pattern = checked(malloc(ledger->size));
    for (size_t i = 0; i < ledger->size; i++) ledger->pattern[i] = (char)('a' + i % 26);
    ledger->seen = checked(calloc((backlog + tasks) / 8 + 1, 1));
    ledger->put_at = checked(calloc(tasks + 1, sizeof *ledger->put_at));
}

void ledger_body(const struct ledger *ledger, uint64_t task, char *body) {
    for (int i = DIGITS - 1; i >= 0; i--, task /= 10) body[i] = (char)('0' + task % 10);
    memcpy(body + DIGITS, ledger->pattern, ledger->size - DIGITS);
}

uint64_t ledger_receive(struct ledger *ledger, const char *body, size_t length) {
    ledger->received++;
    uint64_t task = 0;
    bool is_ours = length == ledger->size;
    for (int i = 0; is_ours && i < DIGITS; i++) {
        is_ours = body[i] >= '0' && body[i] <= '9';
        task = task * 10 + (uint64_t)(body[i] - '0');
    }
    if (!is_ours || task >= ledger->backlog + ledger->tasks ||
        memcmp(body + DIGITS, ledger->pattern, ledger->size - DIGITS) != 0) {
        ledger->altered++;
        return 0;
    }
    uint8_t bit = (uint8_t)(1u << (task & 7));
    if (ledger->seen[task >> 3] & bit) ledger->duplicates++;
    ledger->seen[task >> 3] |= bit;
    return task < ledger->backlog ? 0 : ledger->put_at[task - ledger->backlog];
}

uint64_t ledger_missing(const struct ledger *ledger) {
    uint64_t found = 0;
    for (uint64_t task = 0; task < ledger->backlog + ledger->tasks; task++)
        found += (ledger->seen[task >> 3] >> (task & 7)) & 1;
    return found < ledger->tasks ? ledger->tasks - found : 0;
}
