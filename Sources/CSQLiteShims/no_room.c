#define _GNU_SOURCE
#include "no_room.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * The system calls with which SQLite extends files (sqlite3_vfs.xSetSystemCall).
 *
 * SQLite knows only ENOSPC. For any other errno of a write it returns SQLITE_IOERR_WRITE, and when the errno is asked
 * for, another call may have changed it. So here "over the quota" and "longer than a file may be" become ENOSPC, and
 * the errno is kept.
 */

static _Thread_local int last_error;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off64_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);

int beanrow_means_no_room(int error) {
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static ssize_t noted(ssize_t result) {
    if (result < 0) {
        if (beanrow_means_no_room(errno)) errno = ENOSPC;
        last_error = errno;
    }
    return result;
}

static ssize_t pwrite_noted(int descriptor, const void *bytes, size_t count, off_t offset) {
    return noted(real_pwrite(descriptor, bytes, count, offset));
}

static ssize_t pwrite64_noted(int descriptor, const void *bytes, size_t count, off64_t offset) {
    return noted(real_pwrite64(descriptor, bytes, count, offset));
}

static ssize_t write_noted(int descriptor, const void *bytes, size_t count) {
    return noted(real_write(descriptor, bytes, count));
}

/*
 * SQLite extends a file with ftruncate only to round its length up to the size of a chunk, at the end of a checkpoint
 * (unixTruncate), and to give a new -shm file its first bytes. Neither is necessary. But if the call failed, the
 * checkpoint would fail too, and the log could never be started over.
 */
static int ftruncate_noted(int descriptor, off_t length) {
    int result = (int)noted(real_ftruncate(descriptor, length));
    struct stat file;
    if (result < 0 && errno == ENOSPC && fstat(descriptor, &file) == 0) {
        if (file.st_size <= length) return 0;
        errno = ENOSPC;
    }
    return result;
}

#define REPLACE(name)                                                                                             \
    do {                                                                                                          \
        *(sqlite3_syscall_ptr *)&real_##name = vfs->xGetSystemCall(vfs, #name);                                   \
        if (real_##name) vfs->xSetSystemCall(vfs, #name, (sqlite3_syscall_ptr)name##_noted);                      \
    } while (0)

void beanrow_note_room(sqlite3_vfs *vfs) {
    if (vfs->iVersion < 3 || !vfs->xGetSystemCall || real_ftruncate) return;
    REPLACE(pwrite);
    REPLACE(pwrite64);
    REPLACE(write);
    REPLACE(ftruncate);
}

int beanrow_last_write_error(void) {
    return last_error;
}
