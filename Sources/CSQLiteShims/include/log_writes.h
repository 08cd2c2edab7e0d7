#ifndef BEANROW_LOG_WRITES_H
#define BEANROW_LOG_WRITES_H

#include <sqlite3.h>

/* Registers the VFS that gathers the log's frames, once for the process. Answers its name, NULL where that failed. */
const char *beanrow_log_vfs(void);

/*
 * A COMMIT follows on this connection: frames are gathered. Answers whether they are; not where the connection was opened
 * by another VFS or has no log.
 */
int beanrow_commit_begins(sqlite3 *database);

/*
 * The COMMIT has returned: what was gathered and not written is forgotten. Answers how many bytes that were: after a
 * COMMIT that succeeded, none. `start` receives where in the log the COMMIT began to write, -1 where it wrote nothing.
 */
int beanrow_commit_ended(sqlite3 *database, sqlite3_int64 *start);

#endif
