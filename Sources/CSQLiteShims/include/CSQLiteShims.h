#ifndef CSQLITE_SHIMS_H
#define CSQLITE_SHIMS_H

#include <sqlite3.h>

#include "log_checksum.h"
#include "log_writes.h"
#include "no_room.h"

/* sqlite3_db_config is variadic, and Swift cannot call it. */
static inline int beanrow_enable_triggers(sqlite3 *database, int on) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, on, (int *)0);
}

/* Sets whether closing the last connection copies the log into the database and removes it. */
static inline int beanrow_checkpoint_on_close(sqlite3 *database, int on) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !on, (int *)0);
}

/* The same for sqlite3_config. */
static inline int beanrow_count_memory(int on) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, on);
}

/* SQLITE_TRANSIENT is a cast from an integer, which Swift does not import. */
static inline int beanrow_bind_text(sqlite3_stmt *statement, int index, const char *text, int length) {
    return sqlite3_bind_text(statement, index, text, length, SQLITE_TRANSIENT);
}

/* The session that holds, or is going to hold, each task of a range, for the statements that change a whole range. */
struct beanrow_holders {
    sqlite3_int64 first;          /* the id of the first task */
    int count;                    /* the number of tasks */
    sqlite3_int64 *holders;       /* one per task */
};

/*
 * Adds the SQL function NAME(id), which returns the holder from the structure, or NULL for a task outside of the range.
 * It is in C, since a call from SQLite into Swift would cost more than it saves.
 */
int beanrow_add_holder_function(sqlite3 *database, const char *name, struct beanrow_holders *holders);

/*
 * Extends the database's file to `size` bytes if it is shorter, with all its blocks allocated, by writing zeros after
 * its end. It writes 64 KiB at a time; SQLITE_FCNTL_SIZE_HINT writes one byte per block if SQLite was built without
 * posix_fallocate, as in Debian. If there is not enough room, `least` bytes are sufficient. The writer lock is held:
 * two managers that did this at the same time could overwrite what a checkpoint has copied. Returns SQLite's code.
 */
int beanrow_extend(sqlite3 *database, sqlite3_int64 size, sqlite3_int64 least);

#endif
