#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Open file description locks (fcntl(2), F_OFD_SETLK): they belong to the descriptor, not to the process, so closing
 * another descriptor of the file does not drop them, and the kernel drops them when the process dies. Swift sees
 * neither their names nor the variadic call.
 */

/* Locks one byte for writing. Returns 0, or errno: EAGAIN or EACCES where somebody else holds it. */
int beanrow_lock_byte(int descriptor, int64_t offset);

/* Unlocks one byte. Returns 0 or errno. */
int beanrow_unlock_byte(int descriptor, int64_t offset);

/* Returns 1 where another descriptor holds a lock on the byte, 0 where nobody does, or -errno. */
int beanrow_byte_is_locked(int descriptor, int64_t offset);

/*
 * Returns 1 if another process has a lock on one of `length` bytes, and sets `process` to it, or to a number below 1 if it
 * cannot be seen from here; 0 if no other process has; or -errno.
 */
int beanrow_range_is_locked(int descriptor, int64_t offset, int64_t length, int *process);

/* The type of the file system that a path is on: f_type of statfs(2), or -1. */
int64_t beanrow_file_system_type(const char *path);

/*
 * CRC-32C (Castagnoli) of bytes, going on from `checksum`, which is 0 at the beginning. The processor's instruction is
 * used where it has one.
 */
uint32_t beanrow_checksum(uint32_t checksum, const void *bytes, size_t length);

/* The same without the processor's help. */
uint32_t beanrow_checksum_portable(uint32_t checksum, const void *bytes, size_t length);

/*
 * Looks at files that are written all the time ask for nothing but what they want to know (statx(2)). Whoever has been told
 * a file's times is to see a new one at the next change, so from Linux 6.13 on a stat(2) makes the next write change the
 * times once more, and a sync write them.
 */

/* Returns 1 where the open file still has a name, 0 where it was removed or replaced, -1 on an error. */
int beanrow_has_name(int descriptor);

/* Returns how many names the file of this path has, or -1. */
int beanrow_link_count(const char *path);

/* The length of the file of this path in bytes, or -1. */
int64_t beanrow_file_length(const char *path);

/*
 * Hands bytes to a socket that does not block, and never raises SIGPIPE. Returns how many the kernel took: 0 where it takes
 * none now, or where the connection is broken.
 */
size_t beanrow_send(int descriptor, const void *bytes, size_t count);

/*
 * Starts a thread that gets no signals: they belong to the process's other threads. Returns 0 or the error. Joining it is
 * the caller's.
 */
int beanrow_start_thread(pthread_t *thread, void *(*body)(void *), void *argument);

/*
 * How many arguments the process was started with, its name among them; 0 if there was not even a name.
 *
 * The same file (Start.c) opens those of the descriptors 0 to 2 that are closed on /dev/null, before main.
 */
int beanrow_argument_count(void);

/* Words in memory that processes share. */
static inline uint64_t beanrow_load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline void beanrow_store(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }

/* Sets a word to a value if that is larger. */
void beanrow_raise(uint64_t *word, uint64_t value);

/* Sets a word and returns what it was. */
static inline uint64_t beanrow_swap(uint64_t *word, uint64_t value) {
    return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}

/* Sets a word if it has a certain value. Returns 1 if it had, 0 otherwise. */
static inline int beanrow_exchange(uint64_t *word, uint64_t present, uint64_t value) {
    return __atomic_compare_exchange_n(word, &present, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Adds to a word. */
static inline void beanrow_add(uint64_t *word, uint64_t value) { __atomic_add_fetch(word, value, __ATOMIC_SEQ_CST); }

/* Sets bits of a word. */
static inline void beanrow_set_bits(uint64_t *word, uint64_t bits) { __atomic_or_fetch(word, bits, __ATOMIC_SEQ_CST); }

/*
 * Sleeps until somebody calls beanrow_wake_waiting for the word, in whatever process, for so many milliseconds at most, or
 * for as long as it takes where that is -1 (futex(2)). Returns at once where the word is not `seen`, and now and then for
 * no reason.
 */
void beanrow_wait_for(const uint64_t *word, uint64_t seen, int milliseconds);

/* Wakes all that sleep on the word. */
void beanrow_wake_waiting(const uint64_t *word);

#endif
