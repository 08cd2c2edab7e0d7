/* The calls that are intercepted. */
#define _GNU_SOURCE
#include "cache.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    int (*open)(const char *, int, ...);
    int (*openat)(int, const char *, int, ...);
    int (*close)(int);
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*pread)(int, void *, size_t, off_t);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
    ssize_t (*pwritev2)(int, const struct iovec *, int, off_t, int);
    int (*ftruncate)(int, off_t);
    int (*fallocate)(int, int, off_t, off_t);
    int (*posix_fallocate)(int, off_t, off_t);
    int (*fsync)(int);
    int (*fdatasync)(int);
    int (*unlink)(const char *);
    int (*unlinkat)(int, const char *, int);
    void (*begin_sync)(void);
} real;

#define FIND(name) *(void **)&real.name = dlsym(RTLD_NEXT, #name)

/* Constructors of other libraries may call these functions before ours has run: every call begins with this. */
static void find_functions(void) {
    if (real.fdatasync != NULL) return;
    FIND(open); FIND(openat); FIND(close); FIND(read); FIND(pread); FIND(write); FIND(writev);
    FIND(pwrite); FIND(pwritev); FIND(pwritev2); FIND(ftruncate); FIND(fallocate); FIND(posix_fallocate);
    FIND(fsync); FIND(unlink); FIND(unlinkat);
    *(void **)&real.begin_sync = dlsym(RTLD_DEFAULT, "trace_begin_sync");
    FIND(fdatasync);
}

/* A descriptor's file, by its number from 1 on, and how many of the file's errors the descriptor has got. */
static struct {
    _Atomic int file;
    _Atomic uint64_t told;
} descriptors[DESCRIPTORS];

static struct file *tracked(int fd) {
    find_functions();
    if (control == NULL || fd < 0 || fd >= DESCRIPTORS) return NULL;
    int number = atomic_load(&descriptors[fd].file);
    return number == 0 ? NULL : control->files + number - 1;
}

/* Takes the lock, and evicts pages if that was ordered, before the call sees them. */
static void enter(void) {
    lock();
    if (atomic_load(&control->orders.evict) != 0) evict();
}

static void leave(void) {
    int error = errno;
    unlock();
    errno = error;
}

/* Names. */

static int note_open(int fd) {
    if (control == NULL || fd < 0 || fd >= DESCRIPTORS) return fd;
    int error = errno;
    atomic_store(&descriptors[fd].file, 0);
    char link[64], name[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    name[length < 0 ? 0 : length] = '\0';
    int role = role_of(name);
    if (role != 0) {
        enter();
        struct file *file = file_of(fd, (enum role)role);
        if (file != NULL) {
            /* An error that no process has seen is kept for the next descriptor. */
            atomic_store(&descriptors[fd].told, file->errors - (file->errors > 0 && !file->is_seen ? 1 : 0));
            atomic_store(&descriptors[fd].file, (int)(file - control->files) + 1);
        }
        leave();
    }
    errno = error;
    return fd;
}

static mode_t mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define MODE                                 \
    find_functions();                        \
    va_list arguments;                       \
    va_start(arguments, flags);              \
    mode_t mode = mode_of(flags, arguments); \
    va_end(arguments)

EXPORT int open(const char *path, int flags, ...) { MODE; return note_open(real.open(path, flags, mode)); }
EXPORT int open64(const char *path, int flags, ...) { MODE; return note_open(real.open(path, flags, mode)); }
EXPORT int openat(int at, const char *path, int flags, ...) { MODE; return note_open(real.openat(at, path, flags, mode)); }
EXPORT int openat64(int at, const char *path, int flags, ...) { MODE; return note_open(real.openat(at, path, flags, mode)); }

EXPORT int close(int fd) {
    find_functions();
    if (fd >= 0 && fd < DESCRIPTORS) atomic_store(&descriptors[fd].file, 0);
    return real.close(fd);
}

static int unlink_at(int at, const char *path, int flags) {
    find_functions();
    char resolved[PATH_MAX];
    if (control == NULL || realpath(path, resolved) == NULL || role_of(resolved) == 0) {
        return at == AT_FDCWD && flags == 0 ? real.unlink(path) : real.unlinkat(at, path, flags);
    }
    enter();
    forget_file(resolved);
    int result = real.unlink(resolved);
    leave();
    return result;
}

EXPORT int unlink(const char *path) { return unlink_at(AT_FDCWD, path, 0); }
EXPORT int unlinkat(int at, const char *path, int flags) { return unlink_at(at, path, flags); }

/* Reads. */

static void before_read(int fd) {
    if (tracked(fd) == NULL || atomic_load(&control->orders.evict) == 0) return;
    enter();
    leave();
}

EXPORT ssize_t read(int fd, void *bytes, size_t length) {
    before_read(fd);
    return real.read(fd, bytes, length);
}

EXPORT ssize_t pread(int fd, void *bytes, size_t length, off_t offset) {
    before_read(fd);
    return real.pread(fd, bytes, length, offset);
}

EXPORT ssize_t pread64(int fd, void *bytes, size_t length, off_t offset) { return pread(fd, bytes, length, offset); }

/* Writes. */

static size_t length_of(const struct iovec *parts, int count) {
    size_t length = 0;
    for (int i = 0; i < count; i++) length += parts[i].iov_len;
    return length;
}

#define CHANGE(noting, call)         \
    struct file *file = tracked(fd); \
    if (file == NULL) return call;   \
    enter();                         \
    noting;                          \
    __typeof__(call) result = call;  \
    leave();                         \
    return result

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    CHANGE(touch(file, offset, length), real.pwrite(fd, bytes, length, offset));
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite(fd, bytes, length, offset);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    CHANGE(touch(file, offset, length_of(parts, count)), real.pwritev(fd, parts, count, offset));
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) {
    return pwritev(fd, parts, count, offset);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t length) {
    CHANGE(touch(file, lseek(fd, 0, SEEK_CUR), length), real.write(fd, bytes, length));
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count) {
    CHANGE(touch(file, lseek(fd, 0, SEEK_CUR), length_of(parts, count)), real.writev(fd, parts, count));
}

EXPORT int ftruncate(int fd, off_t length) { CHANGE(cut(file, length), real.ftruncate(fd, length)); }
EXPORT int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

EXPORT int fallocate(int fd, int mode, off_t offset, off_t length) {
    CHANGE((void)file, real.fallocate(fd, mode, offset, length));
}

EXPORT int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }

EXPORT int posix_fallocate(int fd, off_t offset, off_t length) {
    CHANGE((void)file, real.posix_fallocate(fd, offset, length));
}

EXPORT int posix_fallocate64(int fd, off_t offset, off_t length) { return posix_fallocate(fd, offset, length); }

/* Syncs. */

/* Whether this sync has to fail. */
static bool is_chosen(const struct file *file) {
    struct orders *orders = &control->orders;
    if (atomic_load(&orders->failure) == NONE || atomic_load(&orders->role) != file->role) return false;
    int64_t process = atomic_load(&orders->process);
    if ((process != 0 && process != getpid()) || !is_dirty(file)) return false;
    return atomic_fetch_sub(&orders->after, 1) <= 0;
}

static int refuse_sync(void) {
    atomic_fetch_add(&control->orders.told, 1);
    leave();
    errno = EIO;
    return -1;
}

static int fail(struct file *file, int fd) {
    struct orders *orders = &control->orders;
    enum failure failure = (enum failure)atomic_exchange(&orders->failure, NONE);
    int64_t share = atomic_load(&orders->share), ending = atomic_load(&orders->ending);
    drop(file, failure, share, 1);
    if (failure == FLUSH) {
        for (struct file *other = control->files; other < control->files + FILES; other++) {
            if (other != file && other->inode != 0 && !other->is_gone) drop(other, failure, share, 0);
        }
    } else {
        file->errors++;
        file->is_seen = ending != KILLED_UNSEEN;
        atomic_store(&descriptors[fd].told, file->errors);
    }
    if (atomic_load(&orders->evicts) != 0) evict();
    atomic_store(&orders->failed, getpid());
    if (ending == RETURNS) return refuse_sync();
    /* The kernel ends all threads of the process at this moment, so none of them may get beyond its next call. */
    unlock_for_others();
    while (true) kill(getpid(), SIGKILL);
}

static int sync_file(int fd, int (*call)(int)) {
    struct file *file = tracked(fd);
    if (file == NULL) return call(fd);
    enter();
    if (is_chosen(file)) return fail(file, fd);
    if (atomic_load(&descriptors[fd].told) != file->errors) {
        /* The dirty pages are written, but not flushed: the next sync that succeeds covers them. */
        atomic_store(&descriptors[fd].told, file->errors);
        file->is_seen = 1;
        return refuse_sync();
    }
    write_back(file, fd);
    if (real.begin_sync != NULL) real.begin_sync();
    leave();
    return call(fd);
}

EXPORT int fsync(int fd) {
    find_functions();
    return sync_file(fd, real.fsync);
}

EXPORT int fdatasync(int fd) {
    find_functions();
    return sync_file(fd, real.fdatasync);
}
