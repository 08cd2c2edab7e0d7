import Testing

/// How managers start, stop, die and come back, and what becomes of what they held.
@Suite(.onOwnThread, .enabled(if: TestSettings.isSQLite, "speaks of SQLite's files"))
enum LifecycleTests {}
