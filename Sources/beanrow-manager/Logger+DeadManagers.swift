internal import Logging
internal import TaskStore

extension Logger {
    /// Logs the dead managers that were found when a store was opened.
    func report(_ deadManagers: [DeadManager]) {
        for manager in deadManagers {
            notice(
                "a manager had died; its claims are pending again",
                metadata: ["manager": "\(manager.name)", "id": "\(manager.id)", "claims": "\(manager.claims)"]
            )
        }
    }
}
