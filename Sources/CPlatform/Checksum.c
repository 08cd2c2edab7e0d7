#include "CPlatform.h"

#include <string.h>

/* The polynomial of CRC-32C, bits reversed (RFC 3720, appendix B.4). */
#define POLYNOMIAL UINT32_C(0x82f63b78)

uint32_t beanrow_checksum_portable(uint32_t checksum, const void *bytes, size_t length) {
    /* Four bits at a time: a table of 64 bytes, which is a constant. */
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *byte = bytes;
    checksum = ~checksum;
    for (size_t i = 0; i < length; i++) {
        checksum ^= byte[i];
        checksum = table[checksum & 15] ^ (checksum >> 4);
        checksum = table[checksum & 15] ^ (checksum >> 4);
    }
    return ~checksum;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t with_instruction(uint32_t checksum, const uint8_t *byte, size_t length) {
    uint64_t state = (uint32_t)~checksum;
    for (; length >= 8; length -= 8, byte += 8) {
        uint64_t word;
        memcpy(&word, byte, 8);
        state = __builtin_ia32_crc32di(state, word);
    }
    for (; length > 0; length--, byte++) state = __builtin_ia32_crc32qi((uint32_t)state, *byte);
    return ~(uint32_t)state;
}

static int has_instruction(void) { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

static uint32_t with_instruction(uint32_t checksum, const uint8_t *byte, size_t length) {
    uint32_t state = ~checksum;
    for (; length >= 8; length -= 8, byte += 8) {
        uint64_t word;
        memcpy(&word, byte, 8);
        state = __crc32cd(state, word);
    }
    for (; length > 0; length--, byte++) state = __crc32cb(state, *byte);
    return ~state;
}

static int has_instruction(void) { return 1; }
#else
static uint32_t with_instruction(uint32_t checksum, const uint8_t *byte, size_t length) {
    return beanrow_checksum_portable(checksum, byte, length);
}

static int has_instruction(void) { return 0; }
#endif

uint32_t beanrow_checksum(uint32_t checksum, const void *bytes, size_t length) {
    if (!has_instruction()) return beanrow_checksum_portable(checksum, bytes, length);
    return with_instruction(checksum, bytes, length);
}
