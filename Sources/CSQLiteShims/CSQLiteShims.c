#include "CSQLiteShims.h"

static void holder_for(sqlite3_context *context, int count, sqlite3_value **values) {
    const struct beanrow_holders *holders = sqlite3_user_data(context);
    sqlite3_int64 index = sqlite3_value_int64(values[0]) - holders->first;
    (void)count;
    if (index < 0 || index >= holders->count) {
        sqlite3_result_null(context);
    } else {
        sqlite3_result_int64(context, holders->holders[index]);
    }
}

int beanrow_add_holder_function(sqlite3 *database, const char *name, struct beanrow_holders *holders) {
    int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    return sqlite3_create_function_v2(database, name, 1, flags, holders, holder_for, 0, 0, 0);
}

int beanrow_extend(sqlite3 *database, sqlite3_int64 size, sqlite3_int64 least) {
    static const unsigned char zeros[1 << 16];
    sqlite3_file *file = 0;
    sqlite3_int64 length = 0;
    int code = sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code == SQLITE_OK) code = file->pMethods->xFileSize(file, &length);
    while (code == SQLITE_OK && length < size) {
        int count = size - length < (sqlite3_int64)sizeof zeros ? (int)(size - length) : (int)sizeof zeros;
        code = file->pMethods->xWrite(file, zeros, count, length);
        length += count;
    }
    if (code == SQLITE_FULL && file->pMethods->xFileSize(file, &length) == SQLITE_OK && length >= least) return SQLITE_OK;
    return code;
}
