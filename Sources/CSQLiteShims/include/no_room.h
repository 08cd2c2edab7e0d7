#ifndef BEANROW_NO_ROOM_H
#define BEANROW_NO_ROOM_H

#include <sqlite3.h>

/*
 * Returns whether an errno means that a file cannot grow: no space, over a quota, or at the limit of a file's length.
 */
int beanrow_means_no_room(int error);

/*
 * Makes SQLite's writes and truncations through this VFS fail with ENOSPC for each of these, so that SQLite reports
 * SQLITE_FULL. Once per process, before its first connection.
 */
void beanrow_note_room(sqlite3_vfs *vfs);

/* Returns the errno of this thread's last write or truncation through SQLite that failed; 0 if none has. */
int beanrow_last_write_error(void);

#endif
