import Synchronization
import SystemThread
import TaskStore

/// Calls a function when a peer wakes this manager.
///
/// A thread sleeps on this manager's words of the shared page (``SharedPage/notify(_:)``).
///
/// The peer needs little more than one system call. If this manager were woken through a descriptor, Linux would often
/// run it at once, on the peer's processor, while the peer was about to sync.
final class PeerWakeup {
    /// The state that the thread and its owner share.
    private final class Shared: Sendable {
        let sharedPage: SharedPage
        let slot: Int
        let handler: @Sendable () -> Void
        let isStopping = Atomic<Bool>(false)

        init(_ sharedPage: SharedPage, _ slot: Int, _ handler: @escaping @Sendable () -> Void) {
            self.sharedPage = sharedPage
            self.slot = slot
            self.handler = handler
        }

        /// Calls the handler after each notification until the owner stops the thread.
        ///
        /// Several notifications that come close together count as one.
        ///
        /// - Parameter start: the number of notifications before the thread was started.
        func run(from start: UInt64) {
            var seen = start
            while true {
                seen = sharedPage.waitForNotification(slot, after: seen)
                if isStopping.load(ordering: .acquiring) { return }
                // Before the call, which does not cover later notifications.
                sharedPage.clearNotification(slot)
                handler()
            }
        }
    }

    private let sharedPage: SharedPage
    private let slot: Int
    private var shared: Shared?
    private var thread: SystemThread?

    /// - Parameters:
    ///   - sharedPage: the shared page.
    ///   - slot: this manager's slot.
    init(_ sharedPage: SharedPage, slot: Int) {
        self.sharedPage = sharedPage
        self.slot = slot
    }

    deinit {
        stop()
    }

    /// Sets the function that is called when a peer wakes this manager.
    ///
    /// It is called on a thread that is started for it, and must not block.
    ///
    /// - Throws: ``StoreError/Code/unusable``.
    func setHandler(_ handler: @escaping @Sendable () -> Void) throws(StoreError) {
        stop()
        let shared = Shared(sharedPage, slot, handler)
        let seen = sharedPage.notifications(slot)
        // The slot's last manager may have had a notification that it did not notice.
        sharedPage.clearNotification(slot)
        thread = try SystemThread(for: "being woken by peers") { shared.run(from: seen) }
        self.shared = shared
    }

    /// Ends the thread and waits for its end.
    func stop() {
        guard let thread, let shared else { return }
        shared.isStopping.store(true, ordering: .releasing)
        sharedPage.clearNotification(slot)
        sharedPage.notify(slot)
        thread.join()
        self.thread = nil
        self.shared = nil
    }
}
