import Foundation

/// Runs work on its own threads, and waits for it.
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

    /// Waits for all of it.
    ///
    /// Returns `false` if it does not end in time.
    func wait(timeout: Duration) -> Bool {
        group.wait(timeout: .now() + timeout.inSeconds) == .success
    }
}
