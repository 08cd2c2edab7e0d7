/* The state of all pages, shared by the processes, and what the disk holds. */
#define _GNU_SOURCE
#include "cache.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Calls that no other preloaded library records: they are not the process's own. */
#define RAW_OPEN(path, flags) (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600)
#define RAW_CLOSE(fd) syscall(SYS_close, fd)
#define RAW_READ(fd, bytes, length, offset) syscall(SYS_pread64, fd, bytes, length, (off_t)(offset))
#define RAW_WRITE(fd, bytes, length, offset) syscall(SYS_pwrite64, fd, bytes, length, (off_t)(offset))
#define RAW_TRUNCATE(fd, length) syscall(SYS_ftruncate, fd, (off_t)(length))

struct control *control;
static int control_fd = -1;
static char control_path[PATH_MAX - 32];
static char database[PATH_MAX - 8];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("BEANROW_CACHE");
    const char *name = getenv("BEANROW_CACHE_DATABASE");
    if (path == NULL || name == NULL) return;
    if (name[0] != '/' || strlen(name) >= sizeof database || strlen(path) >= sizeof control_path) {
        fprintf(stderr, "cache: BEANROW_CACHE_DATABASE must be an absolute path\n");
        exit(64);
    }
    strcpy(control_path, path);
    strcpy(database, name);
    control_fd = RAW_OPEN(path, O_RDWR | O_CLOEXEC);
    struct stat status;
    void *memory = MAP_FAILED;
    /* A high number, since the process may count or close the low ones. */
    int high = control_fd < 0 ? -1 : fcntl(control_fd, F_DUPFD_CLOEXEC, 900);
    if (high >= 0) {
        RAW_CLOSE(control_fd);
        control_fd = high;
    }
    if (control_fd >= 0 && fstat(control_fd, &status) == 0
        && (status.st_size >= (off_t)sizeof *control || RAW_TRUNCATE(control_fd, sizeof *control) == 0)) {
        memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, control_fd, 0);
    }
    if (memory == MAP_FAILED) {
        fprintf(stderr, "cache: %s: %s\n", path, strerror(errno));
        exit(64);
    }
    control = memory;
}

void lock(void) {
    pthread_mutex_lock(&mutex);
    while (flock(control_fd, LOCK_EX) != 0 && errno == EINTR) continue;
}

void unlock(void) {
    flock(control_fd, LOCK_UN);
    pthread_mutex_unlock(&mutex);
}

void unlock_for_others(void) { flock(control_fd, LOCK_UN); }

static void refuse(const char *what) {
    fprintf(stderr, "cache: %s is not modelled\n", what);
    atomic_store(&control->orders.refused, 1);
}

/* Telling the trace, if there is one. */

static void tell_trace(bool evicted, const struct file *file, enum failure failure, const uint32_t *pages, size_t count) {
    static void (*_Atomic note)(int, uint64_t, int, const uint32_t *, size_t);
    if (note == NULL) note = (void (*)(int, uint64_t, int, const uint32_t *, size_t))dlsym(RTLD_DEFAULT, "trace_note_pages");
    if (note != NULL && count > 0) note(evicted, file->inode, failure, pages, count);
}

/* Files. */

int role_of(const char *path) {
    size_t length = strlen(database);
    if (control == NULL || path == NULL || strncmp(path, database, length) != 0) return 0;
    if (path[length] == '\0') return DATABASE;
    return strcmp(path + length, "-wal") == 0 ? LOG : 0;
}

/* Opens what the disk holds of a file. */
static int open_disk(const struct file *file, int flags) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s.%llu", control_path, (unsigned long long)file->inode);
    int fd = RAW_OPEN(path, O_RDWR | O_CREAT | O_CLOEXEC | flags);
    if (fd < 0) refuse("a disk that cannot be opened");
    return fd;
}

/* The content that a file already has is on the disk. */
static void enter(struct file *file, int fd, const struct stat *status, enum role role) {
    memset(file, 0, sizeof *file);
    file->device = status->st_dev;
    file->inode = status->st_ino;
    file->role = role;
    file->least = status->st_size;
    int disk = open_disk(file, O_TRUNC);
    if (disk < 0) return;
    char page[PAGE_BYTES];
    off_t offset = 0;
    for (long count; (count = RAW_READ(fd, page, sizeof page, offset)) > 0; offset += count) {
        if (RAW_WRITE(disk, page, count, offset) != count) refuse("a full disk");
    }
    if (offset != status->st_size) refuse("a file that cannot be read");
    RAW_CLOSE(disk);
}

struct file *file_of(int fd, enum role role) {
    struct stat status;
    if (fstat(fd, &status) != 0) return NULL;
    struct file *unused = NULL;
    for (struct file *file = control->files; file < control->files + FILES; file++) {
        if (file->inode == status.st_ino && file->device == status.st_dev && !file->is_gone) return file;
        if (file->inode == 0 && unused == NULL) unused = file;
    }
    if (unused == NULL) {
        refuse("too many files");
    } else {
        enter(unused, fd, &status, role);
    }
    return unused;
}

void forget_file(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0) return;
    for (struct file *file = control->files; file < control->files + FILES; file++) {
        if (file->inode == status.st_ino && file->device == status.st_dev) file->is_gone = 1;
    }
}

/* Pages. */

void touch(struct file *file, off_t offset, size_t length) {
    if (length == 0) return;
    uint64_t last = ((uint64_t)offset + length - 1) / PAGE_BYTES;
    if (last >= FILE_PAGES) {
        refuse("a file of this length");
        return;
    }
    for (uint64_t page = (uint64_t)offset / PAGE_BYTES; page <= last; page++) file->pages[page] = DIRTY;
}

void cut(struct file *file, off_t length) {
    if (length < file->least) file->least = length;
    uint64_t first = ((uint64_t)length + PAGE_BYTES - 1) / PAGE_BYTES;
    if (first < FILE_PAGES) memset(file->pages + first, CLEAN, FILE_PAGES - first);
    /* What is cut off of a page is overwritten with zeros. */
    if (length % PAGE_BYTES != 0) touch(file, length, 1);
}

bool is_dirty(const struct file *file) { return memchr(file->pages, DIRTY, FILE_PAGES) != NULL; }

void write_back(struct file *file, int fd) {
    struct stat status;
    int disk = file->is_gone ? -1 : open_disk(file, 0);
    if (disk < 0 || fstat(fd, &status) != 0) return;
    if (RAW_TRUNCATE(disk, file->least) != 0 || RAW_TRUNCATE(disk, status.st_size) != 0) refuse("a full disk");
    file->least = status.st_size;
    char bytes[PAGE_BYTES];
    for (uint64_t page = 0; page < FILE_PAGES; page++) {
        if (file->pages[page] != DIRTY) continue;
        file->pages[page] = CLEAN;
        long count = RAW_READ(fd, bytes, sizeof bytes, page * PAGE_BYTES);
        if (count < 0 || RAW_WRITE(disk, bytes, count, page * PAGE_BYTES) != count) refuse("a full disk");
    }
    RAW_CLOSE(disk);
}

static uint64_t next_random(void) {
    uint64_t state = atomic_load(&control->orders.random);
    if (state == 0) state = UINT64_C(0x9e3779b97f4a7c15);
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    atomic_store(&control->orders.random, state);
    return state;
}

void drop(struct file *file, enum failure failure, int64_t share, int64_t least) {
    static uint32_t pages[FILE_PAGES];
    size_t count = 0;
    int64_t dirty = 0;
    for (uint64_t page = 0; page < FILE_PAGES; page++) dirty += file->pages[page] == DIRTY;
    /* The page that is always dropped. */
    int64_t certain = least > 0 && dirty > 0 ? (int64_t)(next_random() % (uint64_t)dirty) : -1;
    for (uint64_t page = 0, seen = 0; page < FILE_PAGES; page++) {
        if (file->pages[page] != DIRTY) continue;
        if ((int64_t)seen++ != certain && (int64_t)(next_random() % 100) >= share) continue;
        file->pages[page] = DROPPED;
        pages[count++] = (uint32_t)page;
    }
    atomic_fetch_add(&control->orders.dropped, (int64_t)count);
    tell_trace(false, file, failure, pages, count);
}

/* Opens a database's file, until the process ends: closing any descriptor of it would release the locks that SQLite has
 * on it. */
static int open_file(const struct file *file) {
    static struct { uint64_t inode; int fd; } opened[FILES];
    size_t index = (size_t)(file - control->files);
    if (opened[index].inode == file->inode) return opened[index].fd;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", database, file->role == LOG ? "-wal" : "");
    int fd = RAW_OPEN(path, O_RDWR | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || status.st_ino != file->inode) return -1;
    opened[index].inode = file->inode;
    opened[index].fd = fd;
    return fd;
}

static void evict_file(struct file *file) {
    static uint32_t pages[FILE_PAGES];
    if (memchr(file->pages, DROPPED, FILE_PAGES) == NULL) return;
    struct stat status;
    int fd = open_file(file), disk = open_disk(file, 0);
    size_t count = 0;
    if (fd < 0 || disk < 0 || fstat(fd, &status) != 0) return refuse("a file that cannot be opened");
    for (uint64_t page = 0; page < FILE_PAGES; page++) {
        if (file->pages[page] != DROPPED) continue;
        char bytes[PAGE_BYTES] = {0};
        off_t offset = (off_t)(page * PAGE_BYTES), length = status.st_size - offset;
        if (length > PAGE_BYTES) length = PAGE_BYTES;
        if (RAW_READ(disk, bytes, sizeof bytes, offset) < 0) refuse("a disk that cannot be read");
        if (length > 0 && RAW_WRITE(fd, bytes, length, offset) != length) refuse("a full disk");
        file->pages[page] = CLEAN;
        pages[count++] = (uint32_t)page;
    }
    RAW_CLOSE(disk);
    atomic_fetch_add(&control->orders.evicted, (int64_t)count);
    tell_trace(true, file, NONE, pages, count);
}

void evict(void) {
    for (struct file *file = control->files; file < control->files + FILES; file++) {
        if (file->inode != 0 && !file->is_gone) evict_file(file);
    }
    atomic_store(&control->orders.evict, 0);
}
