#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static int byte_lock(int descriptor, int command, short type, int64_t offset, struct flock *lock) {
    *lock = (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    while (fcntl(descriptor, command, lock) == -1) {
        if (errno != EINTR) return errno;
    }
    return 0;
}

int beanrow_lock_byte(int descriptor, int64_t offset) {
    struct flock lock;
    return byte_lock(descriptor, F_OFD_SETLK, F_WRLCK, offset, &lock);
}

int beanrow_unlock_byte(int descriptor, int64_t offset) {
    struct flock lock;
    return byte_lock(descriptor, F_OFD_SETLK, F_UNLCK, offset, &lock);
}

int beanrow_byte_is_locked(int descriptor, int64_t offset) {
    struct flock lock;
    int error = byte_lock(descriptor, F_OFD_GETLK, F_WRLCK, offset, &lock);
    if (error != 0) return -error;
    return lock.l_type != F_UNLCK;
}

int beanrow_range_is_locked(int descriptor, int64_t offset, int64_t length, int *process) {
    /* Not F_OFD_GETLK, which would find this process's own locks. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = length};
    if (fcntl(descriptor, F_GETLK, &lock) == -1) return -errno;
    if (lock.l_type == F_UNLCK) return 0;
    *process = (int)lock.l_pid;
    return 1;
}

size_t beanrow_send(int descriptor, const void *bytes, size_t count) {
    ssize_t sent;
    do {
        sent = send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent == -1 && errno == EINTR);
    return sent > 0 ? (size_t)sent : 0;
}

int beanrow_peer_user(int descriptor, uint32_t *user) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return errno;
    if (length != sizeof peer || peer.uid == (uid_t)-1) return ENOTCONN;
    *user = peer.uid;
    return 0;
}

int64_t beanrow_file_system_type(const char *path) {
    struct statfs information;
    if (statfs(path, &information) != 0) return -1;
    return (int64_t)(uint32_t)information.f_type;
}

int beanrow_has_name(int descriptor) {
    struct statx information;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_NLINK, &information) != 0) return -1;
    return information.stx_nlink > 0;
}

int beanrow_link_count(const char *path) {
    struct statx information;
    if (statx(AT_FDCWD, path, 0, STATX_NLINK, &information) != 0) return -1;
    return (int)information.stx_nlink;
}

int64_t beanrow_file_length(const char *path) {
    struct statx information;
    if (statx(AT_FDCWD, path, 0, STATX_SIZE, &information) != 0) return -1;
    return (int64_t)information.stx_size;
}

int beanrow_start_thread(pthread_t *thread, void *(*body)(void *), void *argument) {
    sigset_t all, previous;
    sigfillset(&all);
    int error = pthread_sigmask(SIG_SETMASK, &all, &previous);
    if (error != 0) return error;
    error = pthread_create(thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    return error;
}
