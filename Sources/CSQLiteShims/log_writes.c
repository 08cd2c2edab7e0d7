#include "log_writes.h"

#include <stdlib.h>
#include <string.h>

/*
 * A VFS that writes a commit's frames to the log in few large writes (sqlite.org/vfs.html). SQLite writes each frame in
 * two, its header and its page; the kernel takes as long for one of them as for copying 16 KiB.
 *
 * Every file but the log is opened by the VFS that SQLite has by default, and this one is not in the way then.
 *
 * Frames are only gathered while a COMMIT runs, and are written with the commit's last frame, at the latest: a frame that
 * says how large the database is ends a commit (sqlite.org/fileformat2.html, section 4.1). SQLite tells nobody of a
 * commit before that write has returned, and holds its own lock until then. What is left over of a commit that failed is
 * forgotten, never written: by then another process may have written there.
 */

enum {
    log_header_size = 32,
    header_size = 24,          /* of a frame */
    size_after_commit = 4,     /* where its header says how large the database is after a commit; 0 in other frames */
    capacity = 31 * (header_size + 4096) + log_header_size  /* SQLite's own VFS writes no more than 128 KiB at a time */
};

struct log_file {
    sqlite3_file base;
    unsigned char *bytes;      /* gathered and not written */
    int gathers;               /* whether a COMMIT runs */
    int length;
    int ends_commit;           /* whether the page that is written next is a commit's last */
    sqlite3_int64 offset;      /* of the first byte */
    sqlite3_int64 end;         /* of all that the COMMIT has added so far */
    sqlite3_int64 start;       /* where the COMMIT's first write went; -1 before it */
    sqlite3_file real[];
};

static sqlite3_file *real_file(sqlite3_file *file) {
    return ((struct log_file *)file)->real;
}

static int write_gathered(struct log_file *log) {
    int length = log->length;
    log->length = 0;
    if (length == 0) return SQLITE_OK;
    return log->real->pMethods->xWrite(log->real, log->bytes, length, log->offset);
}

static int log_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset) {
    struct log_file *log = (struct log_file *)file;
    int is_header = length == header_size || length == log_header_size;
    /* SQLite also goes back: to write a page anew that was in the log already, and then checksums of all frames after it. */
    int is_next = log->length > 0 ? offset == log->offset + log->length : is_header && offset >= log->end;
    if (!log->gathers || !is_next || length > capacity - log->length) {
        int code = write_gathered(log);
        if (code != SQLITE_OK) return code;
        is_next = is_header && offset >= log->end;
    }
    if (!log->gathers || !is_next) return log->real->pMethods->xWrite(log->real, bytes, length, offset);

    if (log->start < 0) log->start = offset;
    if (log->length == 0) log->offset = offset;
    memcpy(log->bytes + log->length, bytes, (size_t)length);
    log->length += length;
    log->end = offset + length;
    if (length == header_size) {
        static const unsigned char none[4];
        log->ends_commit = memcmp((const char *)bytes + size_after_commit, none, sizeof none) != 0;
        return SQLITE_OK;
    }
    return log->ends_commit ? write_gathered(log) : SQLITE_OK;
}

/* What follows has to find in the file what was written. */

static int log_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset) {
    int code = write_gathered((struct log_file *)file);
    return code == SQLITE_OK ? real_file(file)->pMethods->xRead(real_file(file), bytes, length, offset) : code;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int code = write_gathered((struct log_file *)file);
    return code == SQLITE_OK ? real_file(file)->pMethods->xTruncate(real_file(file), size) : code;
}

static int log_sync(sqlite3_file *file, int flags) {
    int code = write_gathered((struct log_file *)file);
    return code == SQLITE_OK ? real_file(file)->pMethods->xSync(real_file(file), flags) : code;
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size) {
    int code = write_gathered((struct log_file *)file);
    return code == SQLITE_OK ? real_file(file)->pMethods->xFileSize(real_file(file), size) : code;
}

static int log_close(sqlite3_file *file) {
    free(((struct log_file *)file)->bytes);
    return real_file(file)->pMethods->xClose(real_file(file));
}

static int log_lock(sqlite3_file *file, int level) {
    return real_file(file)->pMethods->xLock(real_file(file), level);
}

static int log_unlock(sqlite3_file *file, int level) {
    return real_file(file)->pMethods->xUnlock(real_file(file), level);
}

static int log_check_lock(sqlite3_file *file, int *result) {
    return real_file(file)->pMethods->xCheckReservedLock(real_file(file), result);
}

static int log_control(sqlite3_file *file, int operation, void *argument) {
    return real_file(file)->pMethods->xFileControl(real_file(file), operation, argument);
}

static int log_sector_size(sqlite3_file *file) {
    return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static int log_characteristics(sqlite3_file *file) {
    return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

/* Version 1: the methods of later ones are for the database itself. */
static const sqlite3_io_methods log_methods = {
    1,          log_close,  log_read,       log_write,   log_truncate,    log_sync,           log_size,
    log_lock,   log_unlock, log_check_lock, log_control, log_sector_size, log_characteristics
};

/* Set once, by beanrow_log_vfs. */
static sqlite3_vfs *default_vfs;
static sqlite3_vfs log_vfs;

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    struct log_file *log = (struct log_file *)file;
    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL)) return default_vfs->xOpen(default_vfs, name, file, flags, out);
    memset(log, 0, sizeof *log);
    log->bytes = malloc(capacity);
    if (!log->bytes) return SQLITE_NOMEM;
    int code = default_vfs->xOpen(default_vfs, name, log->real, flags, out);
    if (log->real->pMethods) {
        log->base.pMethods = &log_methods;
    } else {
        free(log->bytes);
    }
    return code;
}

const char *beanrow_log_vfs(void) {
    if (!default_vfs) {
        sqlite3_vfs *found = sqlite3_vfs_find(0);
        if (!found) return 0;
        log_vfs = *found;
        log_vfs.zName = "beanrow";
        log_vfs.szOsFile = (int)sizeof(struct log_file) + found->szOsFile;
        log_vfs.pNext = 0;
        log_vfs.xOpen = open_file;
        default_vfs = found;
        if (sqlite3_vfs_register(&log_vfs, 0) != SQLITE_OK) return 0;
    }
    return log_vfs.zName;
}

static struct log_file *log_of(sqlite3 *database) {
    sqlite3_file *file = 0;
    if (sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK) return 0;
    return file && file->pMethods == &log_methods ? (struct log_file *)file : 0;
}

int beanrow_commit_begins(sqlite3 *database) {
    struct log_file *log = log_of(database);
    if (!log) return 0;
    log->gathers = 1;
    log->length = 0;
    log->ends_commit = 0;
    log->end = 0;
    log->start = -1;
    return 1;
}

int beanrow_commit_ended(sqlite3 *database, sqlite3_int64 *start) {
    struct log_file *log = log_of(database);
    *start = log ? log->start : -1;
    if (!log) return 0;
    int left = log->length;
    log->gathers = 0;
    log->length = 0;
    return left;
}
