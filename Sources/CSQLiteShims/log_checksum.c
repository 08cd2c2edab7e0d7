#include "log_checksum.h"

#include <string.h>

void beanrow_log_checksum(const void *bytes, size_t length, int swaps, uint32_t sums[2]) {
    const unsigned char *next = bytes;
    uint32_t first = sums[0], second = sums[1];
    for (size_t done = 0; done + 8 <= length; done += 8, next += 8) {
        uint32_t words[2];
        memcpy(words, next, sizeof words);
        if (swaps) {
            words[0] = __builtin_bswap32(words[0]);
            words[1] = __builtin_bswap32(words[1]);
        }
        first += words[0] + second;
        second += words[1] + first;
    }
    sums[0] = first;
    sums[1] = second;
}
