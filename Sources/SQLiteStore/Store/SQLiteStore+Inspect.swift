import Glibc
import TaskStore

/// What operators ask, and what only the files tell of it.
extension SQLiteStore {
    /// Answers a question in the open transaction.
    func inspect(_ query: InspectQuery) throws(SQLiteError) -> Outcome {
        var outcome = try parts.tables.inspect(query, InspectBudget())
        switch outcome {
        case .inspected(.managers(var managers)):
            for index in managers.indices where managers[index].id == manager { managers[index].figures = figures }
            outcome = .inspected(.managers(managers))
        case .inspected(.store(var store)):
            describeFiles(&store)
            outcome = .inspected(.store(store))
        default: break
        }
        return outcome
    }

    private func describeFiles(_ store: inout StoreDescription) {
        store.databaseBytes = fileLength(path)
        store.logBytes = Int64(parts.sharedPage.logFrames) * Int64(parts.database.pageSize)
        store.logLimitBytes = Int64(parts.checkpointer.mostBytes)
        store.isLogPinned = parts.sharedPage.blockedCheckpoint > 0
        store.lastCheckpoint = [store.lastCheckpoint, unwrittenCheckpoint].compactMap(\.self).max()
        var information = statvfs()
        if statvfs(path, &information) == 0 {
            store.freeBytes = Int64(clamping: UInt64(information.f_bavail) * UInt64(information.f_frsize))
        }
    }
}
