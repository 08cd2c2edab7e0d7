import Synchronization
import TaskStore

/// Hears when peers ring: a thread that sleeps on this manager's words of the shared page (``SharedPage/notify(_:)``).
///
/// The peer's process does little more than a system call for it and goes on; were this manager woken through a descriptor,
/// Linux would often run it at once, on the processor and in the place of the peer that was about to sync.
final class PeerWakeup {
    /// What the thread and its owner share.
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

        /// Calls the handler after each ring until the owner says stop; several rings that come close are one.
        ///
        /// - Parameter start: how many rings there were when it was asked to listen.
        func run(from start: UInt64) {
            var seen = start
            while true {
                seen = sharedPage.waitForNotification(slot, after: seen)
                if isStopping.load(ordering: .acquiring) { return }
                // Before the call: of what comes from now on nobody has been told.
                sharedPage.clearNotification(slot)
                handler()
            }
        }
    }

    private let sharedPage: SharedPage
    private let slot: Int
    private var shared: Shared?
    private var thread: StoreThread?

    /// - Parameters:
    ///   - sharedPage: where peers ring.
    ///   - slot: this manager's slot.
    init(_ sharedPage: SharedPage, slot: Int) {
        self.sharedPage = sharedPage
        self.slot = slot
    }

    deinit {
        stop()
    }

    /// Sets who is called when a peer rings; on the thread, which is started for it, and may not block.
    ///
    /// - Throws: ``StoreError/Code/unusable``.
    func setHandler(_ handler: @escaping @Sendable () -> Void) throws(StoreError) {
        stop()
        let shared = Shared(sharedPage, slot, handler)
        let seen = sharedPage.notifications(slot)
        // Whoever had the slot before may have been rung for and not have heard it.
        sharedPage.clearNotification(slot)
        thread = try StoreThread(for: "being woken by peers") { shared.run(from: seen) }
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
