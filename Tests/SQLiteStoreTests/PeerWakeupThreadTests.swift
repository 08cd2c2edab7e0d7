import Foundation
import Glibc
import Synchronization
import TaskStore
import Testing

@testable import SQLiteStore

@Suite struct PeerWakeupThreadTests {
    /// Returns the depth of the call stack, up to about 120.
    private static func depth() -> Int { Thread.callStackReturnAddresses.count }

    @Test func `every notification is noticed`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let peer = try place.open("peer")
        let (sharedPage, slot) = (peer.parts.sharedPage, store.parts.livenessLock.slot)
        let called = DispatchSemaphore(value: 0)
        let depths = Mutex<[Int]>([])
        // As if the last manager of the slot had died before noticing it.
        sharedPage.notify(slot)
        store.observeChanges { change in
            guard change == .pending else { return }
            depths.withLock { $0.append(Self.depth()) }
            called.signal()
        }
        for _ in 0..<100 {
            sharedPage.notify(slot)
            // The limit is only there so that a broken thread does not hang the tests.
            try #require(called.wait(timeout: .now() + 20) == .success)
        }
        let all = depths.withLock { $0 }
        #expect(all.count == 100)
        #expect(Set(all).count == 1, "\(all)")
        try store.leave()
        try peer.leave()
        // No manager has the slot now.
        sharedPage.notify(slot)
    }
}
