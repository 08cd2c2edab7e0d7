import Foundation
import Glibc
import Synchronization
import TaskStore
import Testing

@testable import SQLiteStore

@Suite struct PeerWakeupThreadTests {
    /// How many calls deep it is called, up to some 120.
    private static func depth() -> Int { Thread.callStackReturnAddresses.count }

    @Test func everyRingIsHeard() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let peer = try place.open("peer")
        let (sharedPage, slot) = (peer.parts.sharedPage, store.parts.livenessLock.slot)
        let called = DispatchSemaphore(value: 0)
        let depths = Mutex<[Int]>([])
        // As if somebody who had the slot had died before hearing it.
        sharedPage.notify(slot)
        store.observeChanges { change in
            guard change == .pending else { return }
            depths.withLock { $0.append(Self.depth()) }
            called.signal()
        }
        for _ in 0..<100 {
            sharedPage.notify(slot)
            // The time is only there so that a broken bell does not hang the tests.
            try #require(called.wait(timeout: .now() + 20) == .success)
        }
        let all = depths.withLock { $0 }
        #expect(all.count == 100)
        #expect(Set(all).count == 1, "\(all)")
        try store.leave()
        try peer.leave()
        // Nobody is there to hear it.
        sharedPage.notify(slot)
    }
}
