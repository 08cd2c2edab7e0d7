#ifndef BEANROW_LOG_CHECKSUM_H
#define BEANROW_LOG_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Computes the checksum of SQLite's write-ahead log (sqlite.org/fileformat2.html, section 4.2), starting from `sums`.
 * The number of bytes is a multiple of 8. `swaps` means that the log's words do not have this machine's byte order.
 */
void beanrow_log_checksum(const void *bytes, size_t length, int swaps, uint32_t sums[2]);

#endif
