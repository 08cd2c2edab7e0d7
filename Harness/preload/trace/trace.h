/*
 * A trace of the system calls by which processes change a database's files.
 *
 * Preloaded (LD_PRELOAD) into every manager of a run. Calls that change or sync the files named below are passed to the C
 * library and recorded in one file that all processes share. From it the disk can be rebuilt as a power cut would have left
 * it at any moment of the run (see disk.py).
 *
 *   BEANROW_TRACE           the trace, made by trace_create() before the first process starts
 *   BEANROW_TRACE_DATABASE  absolute path of the database; its files are those whose path begins with it
 *   BEANROW_TRACE_NO_SYNC   if set, fsync and fdatasync of those files answer success and do nothing
 *
 * Order. One counter, in shared memory, numbers all events of all processes. A number is taken and its record is appended
 * under one lock, so the order of the trace is the order of the numbers.
 *
 *   - A write (truncation, allocation) is appended before the call begins: from then on any part of it may reach the
 *     disk. When the call has returned its record is given a second number, `end`. If the process is killed in between
 *     `end` stays 0 and no sync is taken to cover the write.
 *   - A sync is appended after the call has returned, and carries in `begin` the number taken before the call. It covers
 *     the writes whose `end` is smaller than its `begin`, and nothing else. A real sync may or may not cover writes that
 *     another process makes at the same time, so they count as not covered.
 *   - Opening, unlinking and renaming happen under the lock, since inode numbers are used again at once and the reader
 *     has to tell the old file of a number from the new one.
 *   - A reply to a client is recorded before its bytes are handed to the kernel: from then on the client may have it.
 *
 *   - A sync that fails is not appended: it covers nothing. If preload/cache makes it fail, that library appends which pages
 *     (of 4096 bytes, 32-bit numbers) were dropped, and later which were evicted. It calls this library under its own lock,
 *     so these records are in the order in which it all happened; see cache.h.
 *
 * So every delay between a call and its record makes the rebuilt disk poorer than a real one could be, never richer.
 *
 * The -shm file is shared memory, and -lock and -wake are made again: none of them is needed after a power cut, and none
 * is recorded. A writable mapping of any other file is recorded as such, and the reader refuses the trace.
 */
#ifndef TRACE_H
#define TRACE_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#define EXPORT __attribute__((visibility("default")))
#define MAGIC UINT64_C(0x74726163652d3031)
#define HEADER_SIZE 4096
#define TRACKED_DESCRIPTORS 65536

enum kind { OPEN = 1, WRITE, TRUNCATE, ALLOCATE, SYNC, UNLINK, RENAME, MAP, SEND, DROP, EVICT };

/* The trace's first page. Python reads `counter`, `tail` and `full`: see trace.py. */
struct header {
    uint64_t magic;
    _Atomic uint64_t counter; /* the number taken last */
    _Atomic uint64_t tail;    /* where the next record goes */
    uint64_t capacity;
    _Atomic uint64_t full;    /* the number at which there was no more room, or 0 */
    pthread_mutex_t lock;
};

struct record {
    uint32_t size; /* of the whole record, a multiple of 8 */
    uint32_t kind;
    uint64_t begin;
    _Atomic uint64_t end;
    uint64_t handle; /* the `begin` of the OPEN that made the descriptor; for SEND, of the connection's first SEND */
    uint64_t offset; /* OPEN: inode; SEND: client's port; DROP, EVICT: inode */
    uint64_t length; /* OPEN: size; SEND: server's port; DROP: the kind of failure, see cache.h */
    _Atomic int64_t result; /* bytes written or sent; -1 if the call failed */
    uint32_t pid;
    uint32_t payload;
};

enum role { UNKNOWN = 0, IGNORED, TRACKED, SOCKET };

/* What a descriptor is. Other threads of the process may ask while one sets it, hence the atomics. */
struct descriptor {
    _Atomic int role;
    _Atomic uint64_t handle;
    _Atomic uint32_t ports;
};

/* The trace; NULL if the process is not recorded. */
extern struct header *trace;
extern struct descriptor descriptors[TRACKED_DESCRIPTORS];
extern char database[PATH_MAX];
extern char directory[PATH_MAX];
extern bool skips_sync;

/* The C library's own functions, found when the library is loaded. */
extern struct functions {
    int (*open)(const char *, int, ...);
    int (*openat)(int, const char *, int, ...);
    int (*close)(int);
    int (*accept4)(int, struct sockaddr *, socklen_t *, int);
    int (*accept)(int, struct sockaddr *, socklen_t *);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
    ssize_t (*pwritev2)(int, const struct iovec *, int, off_t, int);
    ssize_t (*send)(int, const void *, size_t, int);
    ssize_t (*sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    ssize_t (*sendmsg)(int, const struct msghdr *, int);
    int (*ftruncate)(int, off_t);
    int (*fallocate)(int, int, off_t, off_t);
    int (*posix_fallocate)(int, off_t, off_t);
    int (*fsync)(int);
    int (*fdatasync)(int);
    int (*unlink)(const char *);
    int (*unlinkat)(int, const char *, int);
    int (*rename)(const char *, const char *);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
} real;

/* Finds them. Other libraries' constructors may run, and call us, before ours does: every call begins with this. */
void find_functions(void);

/* The lock under which numbers are taken and records appended. */
void lock(void);
void unlock(void);
uint64_t take_number(void);

/* Appends a record; parts are joined to its payload. Returns NULL if there is no room. */
struct record *append_locked(enum kind kind, struct record values, const struct iovec *parts, int count);
struct record *append(enum kind kind, struct record values, const struct iovec *parts, int count);

/* The call has returned. */
void finish(struct record *record, int64_t result);

/* Whether a descriptor belongs to a recorded file, and its handle. */
bool is_tracked(int fd, uint64_t *handle);

#endif
