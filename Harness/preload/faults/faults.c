/*
 * A disk that fails on demand.
 *
 * Preloaded (LD_PRELOAD) into a manager: calls on the database's files fail while a file says so. A test writes and changes
 * that file while the manager runs.
 *
 *   BEANROW_FAULTS  the file, at least 32 bytes long: struct faults below, all numbers signed 64-bit
 *   BEANROW_FAULTS_FILE_SYSTEM  if set, what statfs(2) returns for every file: a number of linux/magic.h
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum call { WRITE = 1, SYNC = 2, READ = 4, GROW = 8, EXTEND = 16 };
enum file { DATABASE = 1, LOG = 2, SHARED = 4 };

/* What fails. */
struct faults {
    _Atomic int64_t calls; /* which calls, a sum of the above; 0: none */
    _Atomic int64_t files; /* of which files */
    _Atomic int64_t error; /* with what errno */
    _Atomic int64_t done;  /* counts the calls that failed */
};

static struct faults *faults;

static struct {
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pread)(int, void *, size_t, off_t);
    int (*ftruncate)(int, off_t);
    int (*fallocate)(int, int, off_t, off_t);
    int (*posix_fallocate)(int, off_t, off_t);
    int (*fsync)(int);
    int (*fdatasync)(int);
    int (*statfs)(const char *, struct statfs *);
} real;

#define FIND(name) *(void **)&real.name = dlsym(RTLD_NEXT, #name)

static void find_functions(void) {
    if (real.statfs != NULL) return;
    FIND(pwrite); FIND(write); FIND(pread); FIND(ftruncate); FIND(fallocate); FIND(posix_fallocate);
    FIND(fsync); FIND(fdatasync); FIND(statfs);
}

__attribute__((constructor)) static void start(void) {
    find_functions();
    const char *path = getenv("BEANROW_FAULTS");
    if (path == NULL) return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *memory = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED) faults = memory;
}

/* Which of the files a descriptor belongs to; 0 if it is none of them. */
static int file_of(int fd) {
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length <= 0 || name[0] != '/') return 0;
    name[length] = '\0';
    const char *end = name + length;
    if (length > 7 && strcmp(end - 7, ".db-wal") == 0) return LOG;
    if (length > 7 && strcmp(end - 7, ".db-shm") == 0) return SHARED;
    if (length > 3 && strcmp(end - 3, ".db") == 0) return DATABASE;
    return 0;
}

/* Whether a call fails now; errno is set then. */
static bool fails(enum call call, int fd) {
    find_functions();
    if (faults == NULL || (atomic_load(&faults->calls) & call) == 0) return false;
    int error = errno;
    bool chosen = (atomic_load(&faults->files) & file_of(fd)) != 0;
    errno = error;
    if (!chosen) return false;
    atomic_fetch_add(&faults->done, 1);
    errno = (int)atomic_load(&faults->error);
    return true;
}

/* Whether a write would make the file longer: over a quota, only such a write fails. */
static bool extends(int fd, size_t length, off_t offset) {
    struct stat file;
    return fstat(fd, &file) == 0 && offset + (off_t)length > file.st_size;
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    if (fails(WRITE, fd) || (extends(fd, length, offset) && fails(EXTEND, fd))) return -1;
    return real.pwrite(fd, bytes, length, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite(fd, bytes, length, offset);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t length) {
    return fails(WRITE, fd) ? -1 : real.write(fd, bytes, length);
}

EXPORT ssize_t pread(int fd, void *bytes, size_t length, off_t offset) {
    return fails(READ, fd) ? -1 : real.pread(fd, bytes, length, offset);
}

EXPORT ssize_t pread64(int fd, void *bytes, size_t length, off_t offset) { return pread(fd, bytes, length, offset); }

EXPORT int ftruncate(int fd, off_t length) { return fails(GROW, fd) ? -1 : real.ftruncate(fd, length); }

EXPORT int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

EXPORT int fallocate(int fd, int mode, off_t offset, off_t length) {
    return fails(GROW, fd) ? -1 : real.fallocate(fd, mode, offset, length);
}

EXPORT int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }

EXPORT int posix_fallocate(int fd, off_t offset, off_t length) {
    return fails(GROW, fd) ? errno : real.posix_fallocate(fd, offset, length);
}

EXPORT int posix_fallocate64(int fd, off_t offset, off_t length) { return posix_fallocate(fd, offset, length); }

EXPORT int fsync(int fd) { return fails(SYNC, fd) ? -1 : real.fsync(fd); }

EXPORT int fdatasync(int fd) { return fails(SYNC, fd) ? -1 : real.fdatasync(fd); }

EXPORT int statfs(const char *path, struct statfs *information) {
    find_functions();
    int result = real.statfs(path, information);
    const char *type = getenv("BEANROW_FAULTS_FILE_SYSTEM");
    if (result == 0 && type != NULL) information->f_type = strtol(type, NULL, 0);
    return result;
}

EXPORT int statfs64(const char *path, struct statfs64 *information) { return statfs(path, (struct statfs *)information); }
