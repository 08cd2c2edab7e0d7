/*
 * A journal of what processes do to a database's files, kept while they run.
 *
 * Preloaded (LD_PRELOAD) into every manager of a run. Calls that change or sync the files named below are passed on to
 * the C library and noted in one file that all processes share, so that afterwards the state of the disk can be rebuilt
 * as a power cut would have left it at any moment of the run (see disk.py).
 *
 *   BEANROW_JOURNAL           the journal, made by journal_create() before the first process starts
 *   BEANROW_JOURNAL_DATABASE  absolute path of the database; its files are those whose path begins with it
 *   BEANROW_JOURNAL_NO_SYNC   if set, fsync and fdatasync of those files answer success and do nothing
 *
 * Order. One counter, in shared memory, numbers everything that happens in any process; a number is taken and the record
 * that carries it is appended under one lock, so the journal's order is the order of the numbers.
 *
 *   - A write (truncation, allocation) is appended before the call begins: from then on any part of it may reach the
 *     disk. When the call has returned its record is given a second number, `end`. If the process is killed in between
 *     `end` stays 0 and no sync is taken to cover the write.
 *   - A sync is appended after the call has returned, and carries in `begin` the number taken before the call. It covers
 *     the writes whose `end` is smaller than its `begin`, and nothing else: writes that another process did meanwhile
 *     may or may not be covered by a real sync, so they are taken not to be.
 *   - Opening, unlinking and renaming happen under the lock, since inode numbers are used again at once and the reader
 *     has to tell the old file of a number from the new one.
 *   - A reply to a client is noted before its bytes are handed to the kernel: from then on the client may have it.
 *
 * So every delay between a call and its record makes the rebuilt disk poorer than a real one could be, never richer.
 *
 * The -shm file is memory shared by the living and means nothing after a power cut; -lock and -wake are likewise made
 * anew. None of them is noted. A writable mapping of any other file is noted as such, and the reader refuses the journal.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define MAGIC UINT64_C(0x6a6f75726e616c31)
#define HEADER_SIZE 4096
#define TRACKED_DESCRIPTORS 65536

enum kind { OPEN = 1, WRITE, TRUNCATE, ALLOCATE, SYNC, UNLINK, RENAME, MAP, SEND };

/* The journal's first page. Python reads `counter`, `tail` and `full`: see journal.py. */
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
    uint64_t offset; /* OPEN: inode; SEND: client's port */
    uint64_t length; /* OPEN: size; SEND: server's port */
    _Atomic int64_t result; /* bytes written or sent; -1 where the call failed */
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

static struct header *journal;
static struct descriptor descriptors[TRACKED_DESCRIPTORS];
static char database[PATH_MAX];
static char directory[PATH_MAX];
static size_t database_length;
static bool skips_sync;

/* The C library's own functions, found when the library is loaded. */
static struct {
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

#define FIND(name) *(void **)&real.name = dlsym(RTLD_NEXT, #name)

/* Other libraries' constructors may run, and call us, before ours does. */
static void find_functions(void) {
    if (real.mmap != NULL) return;
    FIND(open); FIND(openat); FIND(close); FIND(accept4); FIND(accept);
    FIND(write); FIND(writev); FIND(pwrite); FIND(pwritev); FIND(pwritev2); FIND(send); FIND(sendto); FIND(sendmsg);
    FIND(ftruncate); FIND(fallocate); FIND(posix_fallocate); FIND(fsync); FIND(fdatasync);
    FIND(unlink); FIND(unlinkat); FIND(rename); FIND(mmap);
}

/* Maps a journal; none if the file is not one. */
static struct header *map_journal(const char *path) {
    int fd = real.open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return NULL;
    struct stat status;
    void *memory = MAP_FAILED;
    if (fstat(fd, &status) == 0 && status.st_size > HEADER_SIZE) {
        memory = real.mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    real.close(fd);
    if (memory == MAP_FAILED) return NULL;
    struct header *found = memory;
    if (found->magic != MAGIC) {
        munmap(memory, (size_t)status.st_size);
        return NULL;
    }
    return found;
}

__attribute__((constructor)) static void start(void) {
    find_functions();
    const char *path = getenv("BEANROW_JOURNAL");
    const char *name = getenv("BEANROW_JOURNAL_DATABASE");
    if (path == NULL || name == NULL) return;
    const char *slash = strrchr(name, '/');
    if (name[0] != '/' || slash == NULL || strlen(name) >= sizeof database) {
        fprintf(stderr, "journal: BEANROW_JOURNAL_DATABASE must be an absolute path\n");
        exit(64);
    }
    strcpy(database, name);
    database_length = strlen(database);
    memcpy(directory, name, (size_t)(slash - name));
    skips_sync = getenv("BEANROW_JOURNAL_NO_SYNC") != NULL;
    journal = map_journal(path);
    if (journal == NULL) {
        fprintf(stderr, "journal: %s is no journal\n", path);
        exit(64);
    }
}

/* Makes an empty journal. Called by Python, before the processes start. Returns 0, or an errno. */
EXPORT int journal_create(const char *path, uint64_t capacity) {
    find_functions();
    int fd = real.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    if (real.ftruncate(fd, (off_t)capacity) != 0) {
        int error = errno;
        real.close(fd);
        return error;
    }
    void *memory = real.mmap(NULL, (size_t)capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int error = errno;
    real.close(fd);
    if (memory == MAP_FAILED) return error;
    struct header *made = memory;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&made->lock, &attributes);
    made->capacity = capacity;
    atomic_store(&made->tail, HEADER_SIZE);
    made->magic = MAGIC;
    munmap(memory, (size_t)capacity);
    return 0;
}

/* The journal's order. */

static void lock(void) {
    /* A process killed while it held the lock has not moved `tail` yet, so there is nothing to repair. */
    if (pthread_mutex_lock(&journal->lock) == EOWNERDEAD) pthread_mutex_consistent(&journal->lock);
}

static void unlock(void) { pthread_mutex_unlock(&journal->lock); }

static uint64_t take_number(void) { return atomic_fetch_add(&journal->counter, 1) + 1; }

/* Appends a record; the caller holds the lock. Parts are joined to its payload. Returns none if there is no room. */
static struct record *append_locked(enum kind kind, struct record values, const struct iovec *parts, int count) {
    uint64_t number = take_number();
    size_t payload = 0;
    for (int i = 0; i < count; i++) payload += parts[i].iov_len;
    uint64_t tail = atomic_load(&journal->tail);
    uint64_t size = (sizeof(struct record) + payload + 7) & ~UINT64_C(7);
    if (atomic_load(&journal->full) != 0) return NULL;
    if (size > UINT32_MAX || tail + size > journal->capacity) {
        atomic_store(&journal->full, number);
        return NULL;
    }
    struct record *record = (struct record *)((char *)journal + tail);
    *record = values;
    record->size = (uint32_t)size;
    record->kind = kind;
    record->pid = (uint32_t)getpid();
    record->payload = (uint32_t)payload;
    if (kind == SYNC) {
        atomic_store(&record->end, number);
    } else {
        record->begin = number;
    }
    if (record->handle == 0) record->handle = number;
    char *place = (char *)(record + 1);
    for (int i = 0; i < count; i++) {
        memcpy(place, parts[i].iov_base, parts[i].iov_len);
        place += parts[i].iov_len;
    }
    atomic_store(&journal->tail, tail + size);
    return record;
}

static struct record *append(enum kind kind, struct record values, const struct iovec *parts, int count) {
    lock();
    struct record *record = append_locked(kind, values, parts, count);
    unlock();
    return record;
}

static void finish(struct record *record, int64_t result) {
    if (record == NULL) return;
    atomic_store(&record->result, result);
    atomic_store(&record->end, take_number());
}

/* Which files. */

/* What follows the database's path in a file's name, or none if the file is no concern of ours. */
static const char *suffix_of(const char *path) {
    if (journal == NULL || path == NULL || strncmp(path, database, database_length) != 0) return NULL;
    const char *suffix = path + database_length;
    if (*suffix != '\0' && *suffix != '-') return NULL;
    if (strcmp(suffix, "-shm") == 0 || strcmp(suffix, "-lock") == 0 || strncmp(suffix, "-wake", 5) == 0) return NULL;
    return suffix;
}

static bool is_directory(const char *path) {
    size_t length = strlen(directory);
    if (journal == NULL || path == NULL || strncmp(path, directory, length) != 0) return false;
    return strcmp(path + length, "") == 0 || strcmp(path + length, "/") == 0 || strcmp(path + length, "/.") == 0;
}

/* The absolute path of what a call names, in `buffer` where it was relative. */
static const char *absolute(int at, const char *path, char *buffer) {
    if (journal == NULL || path == NULL || path[0] == '/') return path;
    char base[PATH_MAX];
    if (at == AT_FDCWD) {
        if (getcwd(base, sizeof base) == NULL) return path;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return path;
        base[length] = '\0';
    }
    if (strlen(base) + strlen(path) + 2 > PATH_MAX) return path;
    strcpy(buffer, base);
    strcat(buffer, "/");
    strcat(buffer, path);
    return buffer;
}

static void forget(int fd) {
    if (fd >= 0 && fd < TRACKED_DESCRIPTORS) atomic_store(&descriptors[fd].role, UNKNOWN);
}

static bool is_tracked(int fd, uint64_t *handle) {
    if (journal == NULL || fd < 0 || fd >= TRACKED_DESCRIPTORS) return false;
    if (atomic_load(&descriptors[fd].role) != TRACKED) return false;
    *handle = atomic_load(&descriptors[fd].handle);
    return true;
}

/* Notes a file that was opened; the caller holds the lock. */
static void note_open(int fd, const char *suffix, int flags) {
    struct stat status;
    if (fd < 0 || fd >= TRACKED_DESCRIPTORS || fstat(fd, &status) != 0) return;
    struct iovec name = {.iov_base = (void *)suffix, .iov_len = strlen(suffix)};
    struct record *record = append_locked(
        OPEN, (struct record){.offset = status.st_ino, .length = (uint64_t)status.st_size}, &name, 1);
    if (record == NULL) return;
    atomic_store(&record->end, record->begin);
    atomic_store(&descriptors[fd].handle, record->handle);
    atomic_store(&descriptors[fd].role, TRACKED);
    if ((flags & O_TRUNC) == 0) return;
    struct record *truncation = append_locked(TRUNCATE, (struct record){.handle = record->handle}, NULL, 0);
    if (truncation != NULL) atomic_store(&truncation->end, truncation->begin);
}

static int open_and_note(int at, const char *path, int flags, mode_t mode) {
    char buffer[PATH_MAX];
    const char *full = absolute(at, path, buffer);
    const char *suffix = is_directory(full) ? "/" : suffix_of(full);
    if (suffix == NULL) {
        int fd = at == AT_FDCWD ? real.open(path, flags, mode) : real.openat(at, path, flags, mode);
        forget(fd);
        return fd;
    }
    lock();
    int fd = at == AT_FDCWD ? real.open(path, flags, mode) : real.openat(at, path, flags, mode);
    int error = errno;
    forget(fd);
    note_open(fd, suffix, flags);
    unlock();
    errno = error;
    return fd;
}

static mode_t mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define OPEN_AND_NOTE(at)                            \
    find_functions();                                \
    va_list arguments;                               \
    va_start(arguments, flags);                      \
    mode_t mode = mode_of(flags, arguments);         \
    va_end(arguments);                               \
    return open_and_note(at, path, flags, mode)

EXPORT int open(const char *path, int flags, ...) { OPEN_AND_NOTE(AT_FDCWD); }
EXPORT int open64(const char *path, int flags, ...) { OPEN_AND_NOTE(AT_FDCWD); }
EXPORT int openat(int at, const char *path, int flags, ...) { OPEN_AND_NOTE(at); }
EXPORT int openat64(int at, const char *path, int flags, ...) { OPEN_AND_NOTE(at); }
EXPORT int creat(const char *path, mode_t mode) {
    find_functions();
    return open_and_note(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int close(int fd) {
    find_functions();
    forget(fd);
    return real.close(fd);
}

EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    find_functions();
    int accepted = real.accept4(fd, address, length, flags);
    forget(accepted);
    return accepted;
}

EXPORT int accept(int fd, struct sockaddr *address, socklen_t *length) {
    find_functions();
    int accepted = real.accept(fd, address, length);
    forget(accepted);
    return accepted;
}

/* Replies. */

static uint16_t port_of(const struct sockaddr_storage *address) {
    switch (address->ss_family) {
    case AF_INET: return ntohs(((const struct sockaddr_in *)address)->sin_port);
    case AF_INET6: return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    default: return 0;
    }
}

/* Notes that bytes are about to leave for a client; none if the descriptor is no TCP connection. */
static struct record *note_send(int fd) {
    if (journal == NULL || fd < 0 || fd >= TRACKED_DESCRIPTORS) return NULL;
    struct descriptor *descriptor = &descriptors[fd];
    int role = atomic_load(&descriptor->role);
    if (role == IGNORED || role == TRACKED) return NULL;
    if (role == UNKNOWN) {
        int error = errno;
        struct sockaddr_storage peer = {0}, own = {0};
        socklen_t peer_length = sizeof peer, own_length = sizeof own;
        bool connected = getpeername(fd, (struct sockaddr *)&peer, &peer_length) == 0
            && getsockname(fd, (struct sockaddr *)&own, &own_length) == 0 && port_of(&peer) != 0;
        errno = error;
        atomic_store(&descriptor->ports, (uint32_t)port_of(&peer) << 16 | port_of(&own));
        atomic_store(&descriptor->handle, 0);
        atomic_store(&descriptor->role, connected ? SOCKET : IGNORED);
        if (!connected) return NULL;
    }
    uint32_t ports = atomic_load(&descriptor->ports);
    struct record *record = append(
        SEND,
        (struct record){.handle = atomic_load(&descriptor->handle), .offset = ports >> 16, .length = ports & 0xffff},
        NULL, 0);
    if (record != NULL) atomic_store(&descriptor->handle, record->handle);
    return record;
}

/* Writes. */

static struct record *note_write(uint64_t handle, off_t offset, const struct iovec *parts, int count) {
    uint64_t length = 0;
    for (int i = 0; i < count; i++) length += parts[i].iov_len;
    return append(
        WRITE, (struct record){.handle = handle, .offset = (uint64_t)offset, .length = length}, parts, count);
}

/* Where a write without an offset will go. */
static off_t place_of(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_APPEND) != 0) {
        struct stat status;
        return fstat(fd, &status) == 0 ? status.st_size : 0;
    }
    off_t place = lseek(fd, 0, SEEK_CUR);
    return place < 0 ? 0 : place;
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    find_functions();
    uint64_t handle;
    if (!is_tracked(fd, &handle)) return real.pwrite(fd, bytes, length, offset);
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct record *record = note_write(handle, offset, &part, 1);
    ssize_t result = real.pwrite(fd, bytes, length, offset);
    finish(record, result);
    return result;
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
    find_functions();
    return pwrite(fd, bytes, length, offset);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    find_functions();
    uint64_t handle;
    if (!is_tracked(fd, &handle)) return real.pwritev(fd, parts, count, offset);
    struct record *record = note_write(handle, offset, parts, count);
    ssize_t result = real.pwritev(fd, parts, count, offset);
    finish(record, result);
    return result;
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    find_functions();
    uint64_t handle;
    if (!is_tracked(fd, &handle)) return real.pwritev2(fd, parts, count, offset, flags);
    struct record *record = note_write(handle, offset == -1 ? place_of(fd) : offset, parts, count);
    ssize_t result = real.pwritev2(fd, parts, count, offset, flags);
    finish(record, result);
    return result;
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    return pwritev2(fd, parts, count, offset, flags);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) {
    find_functions();
    return pwritev(fd, parts, count, offset);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t length) {
    find_functions();
    uint64_t handle;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct record *record = is_tracked(fd, &handle) ? note_write(handle, place_of(fd), &part, 1) : note_send(fd);
    ssize_t result = real.write(fd, bytes, length);
    finish(record, result);
    return result;
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count) {
    find_functions();
    uint64_t handle;
    struct record *record = is_tracked(fd, &handle) ? note_write(handle, place_of(fd), parts, count) : note_send(fd);
    ssize_t result = real.writev(fd, parts, count);
    finish(record, result);
    return result;
}

EXPORT ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    find_functions();
    struct record *record = note_send(fd);
    ssize_t result = real.send(fd, bytes, length, flags);
    finish(record, result);
    return result;
}

EXPORT ssize_t sendto(
    int fd, const void *bytes, size_t length, int flags, const struct sockaddr *address, socklen_t address_length
) {
    find_functions();
    struct record *record = note_send(fd);
    ssize_t result = real.sendto(fd, bytes, length, flags, address, address_length);
    finish(record, result);
    return result;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    find_functions();
    struct record *record = note_send(fd);
    ssize_t result = real.sendmsg(fd, message, flags);
    finish(record, result);
    return result;
}

EXPORT int ftruncate(int fd, off_t length) {
    find_functions();
    uint64_t handle;
    if (!is_tracked(fd, &handle)) return real.ftruncate(fd, length);
    struct record *record =
        append(TRUNCATE, (struct record){.handle = handle, .offset = (uint64_t)length}, NULL, 0);
    int result = real.ftruncate(fd, length);
    finish(record, result);
    return result;
}

EXPORT int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

EXPORT int fallocate(int fd, int mode, off_t offset, off_t length) {
    find_functions();
    uint64_t handle;
    if (!is_tracked(fd, &handle)) return real.fallocate(fd, mode, offset, length);
    struct record *record = append(
        ALLOCATE, (struct record){.handle = handle, .offset = (uint64_t)offset, .length = (uint64_t)length}, NULL, 0);
    int result = real.fallocate(fd, mode, offset, length);
    finish(record, result);
    return result;
}

EXPORT int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }

EXPORT int posix_fallocate(int fd, off_t offset, off_t length) {
    find_functions();
    uint64_t handle;
    if (!is_tracked(fd, &handle)) return real.posix_fallocate(fd, offset, length);
    struct record *record = append(
        ALLOCATE, (struct record){.handle = handle, .offset = (uint64_t)offset, .length = (uint64_t)length}, NULL, 0);
    int result = real.posix_fallocate(fd, offset, length);
    finish(record, result == 0 ? 0 : -1);
    return result;
}

EXPORT int posix_fallocate64(int fd, off_t offset, off_t length) { return posix_fallocate(fd, offset, length); }

/* Syncs. */

static int sync_and_note(int fd, int (*call)(int)) {
    uint64_t handle;
    if (!is_tracked(fd, &handle)) return call(fd);
    if (skips_sync) return 0;
    uint64_t begin = take_number();
    int result = call(fd);
    int error = errno;
    if (result == 0) append(SYNC, (struct record){.handle = handle, .begin = begin}, NULL, 0);
    errno = error;
    return result;
}

EXPORT int fsync(int fd) {
    find_functions();
    return sync_and_note(fd, real.fsync);
}

EXPORT int fdatasync(int fd) {
    find_functions();
    return sync_and_note(fd, real.fdatasync);
}

/* Names. */

static int unlink_and_note(int at, const char *path, int flags) {
    find_functions();
    char buffer[PATH_MAX];
    const char *suffix = suffix_of(absolute(at, path, buffer));
    if (suffix == NULL) return at == AT_FDCWD && flags == 0 ? real.unlink(path) : real.unlinkat(at, path, flags);
    struct iovec name = {.iov_base = (void *)suffix, .iov_len = strlen(suffix)};
    lock();
    int result = real.unlinkat(at, path, flags);
    int error = errno;
    if (result == 0) append_locked(UNLINK, (struct record){0}, &name, 1);
    unlock();
    errno = error;
    return result;
}

EXPORT int unlink(const char *path) { return unlink_and_note(AT_FDCWD, path, 0); }
EXPORT int unlinkat(int at, const char *path, int flags) { return unlink_and_note(at, path, flags); }

EXPORT int rename(const char *old, const char *new) {
    find_functions();
    char buffers[2][PATH_MAX];
    const char *from = suffix_of(absolute(AT_FDCWD, old, buffers[0]));
    const char *to = suffix_of(absolute(AT_FDCWD, new, buffers[1]));
    if (from == NULL && to == NULL) return real.rename(old, new);
    /* A name of somebody else's stands as "?": to the database's files it is a name that is not there. */
    const char *names[2] = {from != NULL ? from : "?", to != NULL ? to : "?"};
    struct iovec parts[3] = {
        {.iov_base = (void *)names[0], .iov_len = strlen(names[0])},
        {.iov_base = "\0", .iov_len = 1},
        {.iov_base = (void *)names[1], .iov_len = strlen(names[1])},
    };
    lock();
    int result = real.rename(old, new);
    int error = errno;
    if (result == 0) append_locked(RENAME, (struct record){0}, parts, 3);
    unlock();
    errno = error;
    return result;
}

EXPORT void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    find_functions();
    uint64_t handle;
    if ((protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 && is_tracked(fd, &handle)) {
        append(MAP, (struct record){.handle = handle, .offset = (uint64_t)offset, .length = length}, NULL, 0);
    }
    return real.mmap(address, length, protection, flags, fd, offset);
}

EXPORT void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    find_functions();
    return mmap(address, length, protection, flags, fd, offset);
}
