import Testing

/// How managers start, stop, are killed and restart, and what happens to their claims.
@Suite(.onOwnThread, .enabled(if: TestSettings.isSQLite, "needs SQLite's files"))
enum LifecycleTests {}
