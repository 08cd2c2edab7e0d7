/* Files by name: which are recorded, and the calls that open, close, name and map them. */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns what follows the database's path in a file's name, NULL if the file is not recorded. */
static const char *suffix_of(const char *path) {
    size_t database_length = strlen(database);
    if (trace == NULL || path == NULL || strncmp(path, database, database_length) != 0) return NULL;
    const char *suffix = path + database_length;
    if (*suffix != '\0' && *suffix != '-') return NULL;
    if (strcmp(suffix, "-shm") == 0 || strcmp(suffix, "-lock") == 0 || strncmp(suffix, "-wake", 5) == 0) return NULL;
    return suffix;
}

static bool is_directory(const char *path) {
    size_t length = strlen(directory);
    if (trace == NULL || path == NULL || strncmp(path, directory, length) != 0) return false;
    return strcmp(path + length, "") == 0 || strcmp(path + length, "/") == 0 || strcmp(path + length, "/.") == 0;
}

/* Returns the absolute path that a call names, in `buffer` if it was relative. */
static const char *absolute(int at, const char *path, char *buffer) {
    if (trace == NULL || path == NULL || path[0] == '/') return path;
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

bool is_tracked(int fd, uint64_t *handle) {
    if (trace == NULL || fd < 0 || fd >= TRACKED_DESCRIPTORS) return false;
    if (atomic_load(&descriptors[fd].role) != TRACKED) return false;
    *handle = atomic_load(&descriptors[fd].handle);
    return true;
}

/* Records a file that was opened; the caller holds the lock. */
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
    /* The name of another file is recorded as "?"; for the database's files it does not exist. */
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
