/*
 * A page cache over a disk on which a sync can fail.
 *
 * Preloaded (LD_PRELOAD) into every process that opens a database. The database's files are what the kernel's page cache
 * shows. Another file, for each of them, has what the disk holds. A successful sync copies the first into the second. A
 * failed sync does what Linux does on ext4 (measured on 6.18):
 *
 *   - Write-back error. The pages that were dirty become clean without having reached the disk. The cache shows the new
 *     bytes until the pages are evicted, and then what the disk has. Each descriptor that was open gets the error once, at
 *     its next sync. A descriptor that is opened after a process has seen the error never gets it. One that is opened
 *     before that gets it.
 *   - Flush error. Only the caller gets it. Everything that was written to the device since its last good flush may be lost:
 *     pages of every file.
 *
 * Writing any byte of a page makes the whole page dirty, as the cache has it then; the next successful sync of the file
 * brings it to the disk.
 *
 *   BEANROW_CACHE           the control file: orders, and the state of all pages, shared by the processes. A test makes it
 *                           empty, and writes orders into its first words (struct orders, signed 64-bit each).
 *   BEANROW_CACHE_DATABASE  absolute path of the database, without symbolic links. Its log is the same path with -wal.
 *
 * What the disk holds of the file with inode I is in the file CONTROL.I. A power cut leaves that, and nothing else; names
 * count as safe. If preload/trace is loaded too, it must come after this library in LD_PRELOAD. It is told which pages were
 * dropped and evicted. Everything happens under one lock, so the order of the trace is the order here.
 */
#ifndef CACHE_H
#define CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define EXPORT __attribute__((visibility("default")))
#define PAGE_BYTES 4096
#define FILES 64
#define FILE_BYTES 65536
#define FILE_PAGES (FILE_BYTES - 64)
#define DESCRIPTORS 65536

enum role { DATABASE = 1, LOG = 2 };
enum page { CLEAN = 0, DIRTY, DROPPED };
enum failure { NONE = 0, WRITE_BACK, FLUSH };

/* How the failing call ends. */
enum ending {
    RETURNS = 0,
    KILLED,        /* SIGKILL inside the call, after it has seen the error: no other process will, through a new descriptor */
    KILLED_UNSEEN, /* SIGKILL inside the call, before it has seen the error */
};

/* The first page of the control file. */
struct orders {
    _Atomic int64_t failure; /* how a later sync fails; 0: none does. Written last; 0 again after the failure */
    _Atomic int64_t role;    /* of which file */
    _Atomic int64_t after;   /* how many syncs of the file that have something to write succeed before */
    _Atomic int64_t process; /* only a sync by this process counts; 0: any */
    _Atomic int64_t ending;
    _Atomic int64_t share;   /* how many of 100 dirty pages are dropped, but at least one */
    _Atomic int64_t evicts;  /* whether they are evicted inside the call */
    _Atomic int64_t evict;   /* 1: all dropped pages are evicted at the next call; 0 again once they are */
    _Atomic int64_t failed;  /* the process whose sync failed; 0 until then */
    _Atomic int64_t dropped; /* pages dropped so far */
    _Atomic int64_t evicted; /* pages evicted so far */
    _Atomic int64_t told;    /* syncs that returned an error so far */
    _Atomic int64_t refused; /* not 0: something happened that is not modelled */
    _Atomic uint64_t random; /* the state of the random choices; a test may set it */
};

struct file {
    uint64_t device;
    uint64_t inode; /* 0: no file */
    int64_t role;
    uint64_t errors; /* write-back errors so far */
    int64_t is_seen; /* whether a process has seen the last one */
    int64_t least;   /* the least length of the file since its last successful sync */
    int64_t is_gone; /* whether its name was removed: it has no disk any more */
    uint64_t unused;
    uint8_t pages[FILE_PAGES];
};

struct control {
    struct orders orders;
    char unused[PAGE_BYTES - sizeof(struct orders)];
    struct file files[FILES];
};

_Static_assert(sizeof(struct file) == FILE_BYTES, "the pages of a file end where the next file begins");
_Static_assert(sizeof(struct control) == PAGE_BYTES + FILES * FILE_BYTES, "the files begin at the second page");

/* NULL if the process is not on such a disk. */
extern struct control *control;

/* The lock under which everything happens, over all processes; the kernel frees it when its holder dies. */
void lock(void);
void unlock(void);

/* Frees the lock for other processes only: no thread of this one gets it any more. */
void unlock_for_others(void);

/* The lock is held for all that follows. */

/* Returns a descriptor's file, entered if it is new; NULL if it is neither the database nor its log. */
struct file *file_of(int fd, enum role role);

/* Notes that a file's name is about to be removed. Descriptors of the file may stay open. */
void forget_file(const char *path);

/* Notes that bytes are about to be written, or that the file is about to get this length. */
void touch(struct file *file, off_t offset, size_t length);
void cut(struct file *file, off_t length);

/* Whether there is anything for a sync to write. */
bool is_dirty(const struct file *file);

/* Brings all dirty pages, and the length, to the disk. `fd` is open for reading. */
void write_back(struct file *file, int fd);

/* Drops dirty pages of a file, `share` of 100, or at least `least` of them. */
void drop(struct file *file, enum failure failure, int64_t share, int64_t least);

/* Sets the dropped pages of the database's files to what the disk holds. */
void evict(void);

/* The role of a path; 0 if it is neither the database nor its log. */
int role_of(const char *path);

#endif
