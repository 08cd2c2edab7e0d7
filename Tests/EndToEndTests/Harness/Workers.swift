import Foundation

/// Runs work on threads of its own and waits for it.
final class Workers: Sendable {
    private let group = DispatchGroup()

    /// Starts a piece of work.
    func start(_ work: @escaping @Sendable () -> Void) {
        group.enter()
        Thread.detachNewThread { [group] in
            work()
            group.leave()
        }
    }

    /// Waits for all of it; false if it is not over in time.
    func wait(timeout: Duration) -> Bool {
        group.wait(timeout: .now() + timeout.inSeconds) == .success
    }
}
