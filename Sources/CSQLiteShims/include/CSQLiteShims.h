#ifndef CSQLITE_SHIMS_H
#define CSQLITE_SHIMS_H

#include <sqlite3.h>

#include "log_checksum.h"
#include "log_writes.h"
#include "no_room.h"

/* sqlite3_db_config is variadic, which Swift can't call. */
static inline int beanrow_enable_triggers(sqlite3 *database, int on) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, on, (int *)0);
}

/* Whether closing the last connection copies the log into the database and removes it. */
static inline int beanrow_checkpoint_on_close(sqlite3 *database, int on) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !on, (int *)0);
}

/* So is sqlite3_config. */
static inline int beanrow_count_memory(int on) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, on);
}

/* SQLITE_TRANSIENT is a cast from an integer, which Swift does not import. */
static inline int beanrow_bind_text(sqlite3_stmt *statement, int index, const char *text, int length) {
    return sqlite3_bind_text(statement, index, text, length, SQLITE_TRANSIENT);
}

/* Who holds, or is to hold, each task of a range, for the statements that change all of a range. */
struct beanrow_holders {
    sqlite3_int64 first;          /* the first task's number */
    int count;                    /* how many tasks */
    sqlite3_int64 *holders;       /* one a task */
};

/*
 * Adds the SQL function NAME(id), which answers out of the structure; NULL for a task outside of the range. In C since a
 * call from SQLite into Swift costs more than what it spares.
 */
int beanrow_add_holder_function(sqlite3 *database, const char *name, struct beanrow_holders *holders);

/*
 * Makes the database's file `size` bytes long if it is shorter, and the disk find room for all of it, by writing zeros
 * behind its end: in pieces of 64 KiB, where SQLITE_FCNTL_SIZE_HINT writes a byte into each block (where SQLite was built
 * without posix_fallocate, as Debian's is). If there is not so much room, `least` bytes are enough. Two that did so at once
 * could write zeros over what a checkpoint has copied there since: to be called under the writers' lock. Answers SQLite's
 * code.
 */
int beanrow_extend(sqlite3 *database, sqlite3_int64 size, sqlite3_int64 least);

#endif
