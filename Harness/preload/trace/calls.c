/* Calls on descriptors: replies to clients, writes to the recorded files, and syncs of them. */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

/* Replies. */

static uint16_t port_of(const struct sockaddr_storage *address) {
    switch (address->ss_family) {
    case AF_INET: return ntohs(((const struct sockaddr_in *)address)->sin_port);
    case AF_INET6: return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    default: return 0;
    }
}

/* Records bytes that are about to be sent to a client; returns NULL if the descriptor is not a TCP connection. */
static struct record *note_send(int fd) {
    if (trace == NULL || fd < 0 || fd >= TRACKED_DESCRIPTORS) return NULL;
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

/* The offset of a write that names none. */
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

/* The number at which the sync that this thread is about to make begins, if preload/cache has said so; else 0. */
static _Thread_local uint64_t sync_begin;

EXPORT void trace_begin_sync(void) {
    if (trace != NULL) sync_begin = take_number();
}

EXPORT void trace_note_pages(int evicted, uint64_t inode, int failure, const uint32_t *pages, size_t count) {
    if (trace == NULL) return;
    struct iovec part = {.iov_base = (void *)pages, .iov_len = count * sizeof *pages};
    append(evicted ? EVICT : DROP, (struct record){.offset = inode, .length = (uint64_t)failure}, &part, 1);
}

static int sync_and_note(int fd, int (*call)(int)) {
    uint64_t handle;
    if (!is_tracked(fd, &handle)) return call(fd);
    if (skips_sync) return 0;
    uint64_t begin = sync_begin != 0 ? sync_begin : take_number();
    sync_begin = 0;
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
