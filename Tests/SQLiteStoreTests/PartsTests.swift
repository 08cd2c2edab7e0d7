import Foundation
import Glibc
import Synchronization
import TaskStore
import Testing

@testable import SQLiteStore

/// What the store keeps in memory.
@Suite struct FrontTests {
    private func head(_ id: Int64, _ priority: Int64) -> Head {
        Head(id: id, priority: priority, timeToRun: 1, isKeyed: false)
    }

    @Test func knowsNothingAtFirst() {
        #expect(Front().first == .none)
    }

    @Test func asksForMoreEachTime() {
        var front = Front()
        var limits: [Int] = []
        for _ in 0..<5 {
            limits.append(front.nextLook)
            front.learn([], limit: front.nextLook)
        }
        #expect(limits == [1, 4, 16, 64, 64])
        front.reset()
        #expect(front.nextLook == 1)
    }

    @Test func knowsThatNothingIsThere() {
        var front = Front()
        front.learn([head(1, 1)], limit: 2)
        front.removeFirst()
        #expect(front.first == .some(nil))
        front.add(head(5, 5))
        front.add(head(6, 4))
        #expect(front.first == head(6, 4))
        front.learn([], limit: 1)
        #expect(front.first == .some(nil))
    }

    @Test func doesNotKnowWhatIsBehindTheLast() {
        var front = Front()
        front.learn([head(1, 1), head(2, 2)], limit: 2)
        front.add(head(9, 9))
        front.removeFirst()
        #expect(front.first == head(2, 2))
        front.removeFirst()
        #expect(front.first == .none)
    }

    @Test func takesOutWhatIsPendingNoMore() {
        var front = Front()
        front.learn([head(1, 1), head(2, 2)], limit: 2)
        front.remove(7)
        front.remove(1)
        #expect(front.first == head(2, 2))
        front.remove(2)
        #expect(front.first == .none)
    }

    @Test func orderIsByPriorityThenAge() {
        var front = Front()
        front.learn([], limit: 1)
        let heads = [head(4, 2), head(2, 2), head(9, 1), head(1, 3), head(3, 2)]
        for head in heads { front.add(head) }
        var order: [Int64] = []
        while case .some(.some(let first)) = front.first {
            order.append(first.id)
            front.removeFirst()
        }
        #expect(order == [9, 2, 3, 4, 1])
    }

    @Test func forgetsTheEndOfALongLine() {
        var front = Front()
        front.learn([], limit: 1)
        for id in 0..<1000 { front.add(head(Int64(id), 1)) }
        var taken = 0
        while case .some(.some(let first)) = front.first {
            #expect(first.id == Int64(taken))
            front.removeFirst()
            taken += 1
        }
        #expect(taken == 2 * Front.most)
        #expect(front.first == .none, "the index has to be asked for the rest")
    }
}

@Suite struct AwaitedTests {
    private let a = Tube(id: 3, name: TubeName("a")!)
    private let b = Tube(id: 67, name: TubeName("b")!)
    private let c = Tube(id: 5, name: TubeName("c")!)

    /// The mask after some tubes were added and others removed.
    private func mask(_ added: [(TubeName, Tube?)], removed: [TubeName] = []) -> UInt64 {
        var awaited = Awaited()
        for (name, tube) in added { _ = awaited.insert(name, tube) }
        for name in removed { awaited.remove(name) }
        return awaited.mask
    }

    @Test func theMaskIsThatOfTheTubesAwaited() {
        let all: [(TubeName, Tube?)] = [(a.name, a), (b.name, b), (c.name, c)]
        #expect(mask([]) == 0)
        #expect(mask(all) == 1 << 3 | 1 << 5)
        #expect(mask(all, removed: [a.name]) == 1 << 3 | 1 << 5, "another tube has the same bit")
        #expect(mask(all, removed: [a.name, b.name]) == 1 << 5)
        #expect(mask(all, removed: [b.name, b.name, c.name]) == 1 << 3)
        #expect(mask(all + all, removed: [a.name, b.name, c.name]) == 0, "each counts once")
    }

    @Test func aTubeWhoseNumberMayChangeIsAnyTube() {
        let all: [(TubeName, Tube?)] = [(a.name, a), (b.name, nil), (c.name, c)]
        #expect(mask(all) == .max)
        #expect(mask(all, removed: [a.name]) == .max)
        #expect(mask(all, removed: [a.name, b.name]) == 1 << 5)
    }

    @Test func addingSaysWhetherItIsNew() {
        var awaited = Awaited()
        let first = awaited.insert(a.name, a)
        let second = awaited.insert(a.name, a)
        #expect([first, second] == [true, false])
    }
}

@Suite struct ScheduleTests {
    @Test func isSoonestFirst() {
        var schedule = Schedule()
        schedule.add(due: 5)
        #expect(schedule.nextDue == .none, "what is not known stays so")
        schedule.nextDue = .some(nil)
        schedule.add(due: 5)
        schedule.add(due: 7)
        #expect(schedule.nextDue == 5)
        schedule.remove(due: 7)
        #expect(schedule.nextDue == 5)
        schedule.remove(due: 5)
        #expect(schedule.nextDue == .none, "the next one has to be looked up")
    }
}

@Suite struct TubeCacheTests {
    @Test func keepsOnlyWhatNobodyElseCanRemove() {
        var cache = TubeCache()
        let used = Tube(id: 2, name: TubeName("used")!)
        used.using = 1
        let seen = Tube(id: 3, name: TubeName("seen")!)
        cache.insert(used)
        cache.insert(seen)
        #expect(cache[seen.name] === seen)
        cache.dropUnprotected()
        #expect(cache[seen.name] == nil && cache[3] == nil)
        #expect(cache[used.name] === used)
        used.using = 0
        cache.lostProtection(used)
        cache.dropUnprotected()
        #expect(cache[2] == nil)
    }

    @Test func doesNotGrowWithoutBounds() {
        var cache = TubeCache()
        for id in 0..<5000 {
            cache.insert(Tube(id: Int64(id + 2), name: TubeName("t\(id)")!))
            cache.limitUnprotected()
        }
        #expect(cache.count <= 1001)
    }
}

@Suite struct BellTests {
    /// How many calls deep it is called, up to some 120.
    private static func depth() -> Int { Thread.callStackReturnAddresses.count }

    @Test func everyRingIsHeard() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let peer = try place.open("peer")
        let (board, slot) = (peer.parts.board, store.parts.slot.number)
        let called = DispatchSemaphore(value: 0)
        let depths = Mutex<[Int]>([])
        // As if somebody who had the slot had died before hearing it.
        board.ring(slot)
        store.observeChanges { change in
            guard change == .pending else { return }
            depths.withLock { $0.append(Self.depth()) }
            called.signal()
        }
        for _ in 0..<100 {
            board.ring(slot)
            // The time is only there so that a broken bell does not hang the tests.
            try #require(called.wait(timeout: .now() + 20) == .success)
        }
        let all = depths.withLock { $0 }
        #expect(all.count == 100)
        #expect(Set(all).count == 1, "\(all)")
        try store.leave()
        try peer.leave()
        // Nobody is there to hear it.
        board.ring(slot)
    }
}
