#define _GNU_SOURCE
#include "CPlatform.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void beanrow_raise(uint64_t *word, uint64_t value) {
    uint64_t present = beanrow_load(word);
    while (present < value
           && !__atomic_compare_exchange_n(word, &present, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
}

/* The kernel compares 32 bits: the half that changes. */
static const uint32_t *low_half(const uint64_t *word) {
    return (const uint32_t *)word + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

void beanrow_wait_for(const uint64_t *word, uint64_t seen, int milliseconds) {
    struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    syscall(SYS_futex, low_half(word), FUTEX_WAIT, (uint32_t)seen, milliseconds < 0 ? 0 : &time, 0, 0);
}

void beanrow_wake_waiting(const uint64_t *word) {
    syscall(SYS_futex, low_half(word), FUTEX_WAKE, INT32_MAX, 0, 0, 0);
}
