#ifndef BEANROW_NO_ROOM_H
#define BEANROW_NO_ROOM_H

#include <sqlite3.h>

/* Whether an errno says that a file cannot become longer: no space, over a quota, or at the limit of a file's length. */
int beanrow_means_no_room(int error);

/*
 * Has SQLite's writes and truncations through this VFS answer ENOSPC for each of these, so that SQLite answers SQLITE_FULL.
 * Once for the process, before its first connection.
 */
void beanrow_note_room(sqlite3_vfs *vfs);

/* The errno of this thread's last write or truncation through SQLite that failed; 0 if none has. */
int beanrow_last_write_error(void);

#endif
