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
