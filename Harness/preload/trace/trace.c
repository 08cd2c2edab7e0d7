/* What all recorded processes share: the trace in memory, its order, and the numbers. */
#define _GNU_SOURCE
#include "trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct header *trace;
struct descriptor descriptors[TRACKED_DESCRIPTORS];
char database[PATH_MAX];
char directory[PATH_MAX];
bool skips_sync;
struct functions real;

#define FIND(name) *(void **)&real.name = dlsym(RTLD_NEXT, #name)

void find_functions(void) {
    if (real.mmap != NULL) return;
    FIND(open); FIND(openat); FIND(close); FIND(accept4); FIND(accept);
    FIND(write); FIND(writev); FIND(pwrite); FIND(pwritev); FIND(pwritev2); FIND(send); FIND(sendto); FIND(sendmsg);
    FIND(ftruncate); FIND(fallocate); FIND(posix_fallocate); FIND(fsync); FIND(fdatasync);
    FIND(unlink); FIND(unlinkat); FIND(rename); FIND(mmap);
}

/* Maps a trace; returns NULL if the file is none. */
static struct header *map_trace(const char *path) {
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
    const char *path = getenv("BEANROW_TRACE");
    const char *name = getenv("BEANROW_TRACE_DATABASE");
    if (path == NULL || name == NULL) return;
    const char *slash = strrchr(name, '/');
    if (name[0] != '/' || slash == NULL || strlen(name) >= sizeof database) {
        fprintf(stderr, "trace: BEANROW_TRACE_DATABASE must be an absolute path\n");
        exit(64);
    }
    strcpy(database, name);
    memcpy(directory, name, (size_t)(slash - name));
    skips_sync = getenv("BEANROW_TRACE_NO_SYNC") != NULL;
    trace = map_trace(path);
    if (trace == NULL) {
        fprintf(stderr, "trace: %s is not a trace\n", path);
        exit(64);
    }
}

/* Makes an empty trace. Called by Python, before the processes start. Returns 0, or an errno. */
EXPORT int trace_create(const char *path, uint64_t capacity) {
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

/* The order of the trace. */

void lock(void) {
    /* A process killed while it held the lock has not moved `tail` yet, so there is nothing to repair. */
    if (pthread_mutex_lock(&trace->lock) == EOWNERDEAD) pthread_mutex_consistent(&trace->lock);
}

void unlock(void) { pthread_mutex_unlock(&trace->lock); }

uint64_t take_number(void) { return atomic_fetch_add(&trace->counter, 1) + 1; }

struct record *append_locked(enum kind kind, struct record values, const struct iovec *parts, int count) {
    uint64_t number = take_number();
    size_t payload = 0;
    for (int i = 0; i < count; i++) payload += parts[i].iov_len;
    uint64_t tail = atomic_load(&trace->tail);
    uint64_t size = (sizeof(struct record) + payload + 7) & ~UINT64_C(7);
    if (atomic_load(&trace->full) != 0) return NULL;
    if (size > UINT32_MAX || tail + size > trace->capacity) {
        atomic_store(&trace->full, number);
        return NULL;
    }
    struct record *record = (struct record *)((char *)trace + tail);
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
    atomic_store(&trace->tail, tail + size);
    return record;
}

struct record *append(enum kind kind, struct record values, const struct iovec *parts, int count) {
    lock();
    struct record *record = append_locked(kind, values, parts, count);
    unlock();
    return record;
}

void finish(struct record *record, int64_t result) {
    if (record == NULL) return;
    atomic_store(&record->result, result);
    atomic_store(&record->end, take_number());
}
