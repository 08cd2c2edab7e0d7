#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Open file description locks (fcntl(2), F_OFD_SETLK). They belong to the descriptor, not to the process, so closing
 * another descriptor of the file does not release them. The kernel releases them when the process dies. Swift sees
 * neither their names nor the variadic call.
 */

/* Locks one byte for writing. Returns 0, or errno: EAGAIN or EACCES if another descriptor has a lock on it. */
int beanrow_lock_byte(int descriptor, int64_t offset);

/* Unlocks one byte. Returns 0 or errno. */
int beanrow_unlock_byte(int descriptor, int64_t offset);

/* Returns 1 if another descriptor has a lock on the byte, 0 if none has, or -errno. */
int beanrow_byte_is_locked(int descriptor, int64_t offset);

/*
 * Returns 1 if another process has a lock on one of `length` bytes, and sets `process` to it, or to a number below 1 if it
 * cannot be seen from here; 0 if no other process has; or -errno.
 */
int beanrow_range_is_locked(int descriptor, int64_t offset, int64_t length, int *process);

/* Returns the type of the file system of a path: f_type of statfs(2), or -1. */
int64_t beanrow_file_system_type(const char *path);

/*
 * Returns the CRC-32C (Castagnoli) of bytes, starting from `checksum`, which is 0 at the beginning. Uses the
 * processor's instruction if it has one.
 */
uint32_t beanrow_checksum(uint32_t checksum, const void *bytes, size_t length);

/* The same without the processor's instruction. */
uint32_t beanrow_checksum_portable(uint32_t checksum, const void *bytes, size_t length);

/*
 * The functions below ask for only one property of a file (statx(2)), since the files are written all the time. After
 * stat(2) has returned a file's times, the next change must set a new time. So from Linux 6.13 on, the next write
 * changes the times once more, and a sync has to write them.
 */

/* Returns 1 if the open file still has a name, 0 if it was removed or replaced, -1 on an error. */
int beanrow_has_name(int descriptor);

/* Returns the number of names of the file of this path, or -1. */
int beanrow_link_count(const char *path);

/* Returns the length of the file of this path in bytes, or -1. */
int64_t beanrow_file_length(const char *path);

/*
 * Sends bytes on a socket without blocking, and never raises SIGPIPE. Returns the number of bytes that the kernel took:
 * 0 if it takes none now, or if the connection is broken.
 */
size_t beanrow_send(int descriptor, const void *bytes, size_t count);

/*
 * Sets `user` to the user id of the process that connected to a unix socket, as it was at that moment (SO_PEERCRED of
 * unix(7)). Returns 0 or errno.
 */
int beanrow_peer_user(int descriptor, uint32_t *user);

/*
 * Starts a thread that receives no signals: the process's other threads receive them. Returns 0 or the error. The
 * caller has to join it.
 */
int beanrow_start_thread(pthread_t *thread, void *(*body)(void *), void *argument);

/*
 * Returns the number of arguments of the process, including its name; 0 if there is not even a name.
 *
 * The same file (Start.c) opens /dev/null for those of the descriptors 0 to 2 that are closed, before main.
 */
int beanrow_argument_count(void);

/* Words in memory that processes share. */
static inline uint64_t beanrow_load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline void beanrow_store(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }

/* Sets a word to a value if the value is larger. */
void beanrow_raise(uint64_t *word, uint64_t value);

/* Sets a word and returns its former value. */
static inline uint64_t beanrow_swap(uint64_t *word, uint64_t value) {
    return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}

/* Sets a word if it has the value `present`. Returns 1 if it had, 0 otherwise. */
static inline int beanrow_exchange(uint64_t *word, uint64_t present, uint64_t value) {
    return __atomic_compare_exchange_n(word, &present, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Adds to a word. */
static inline void beanrow_add(uint64_t *word, uint64_t value) { __atomic_add_fetch(word, value, __ATOMIC_SEQ_CST); }

/* Sets bits of a word. */
static inline void beanrow_set_bits(uint64_t *word, uint64_t bits) { __atomic_or_fetch(word, bits, __ATOMIC_SEQ_CST); }

/*
 * Sleeps until any process calls beanrow_wake_waiting for the word, or until `milliseconds` are over; -1 means no limit
 * (futex(2)). Returns at once if the word is not `seen`, and sometimes without a reason.
 */
void beanrow_wait_for(const uint64_t *word, uint64_t seen, int milliseconds);

/* Wakes all threads that sleep on the word. */
void beanrow_wake_waiting(const uint64_t *word);

#endif
