import TaskStore
import Testing

@testable import SQLiteStore

@Suite struct TubeSubscriptionsTests {
    private let a = Tube(id: 3, name: TubeName("a")!)
    private let b = Tube(id: 67, name: TubeName("b")!)
    private let c = Tube(id: 5, name: TubeName("c")!)

    /// Returns the mask after some tubes were added and others removed.
    private func mask(_ added: [(TubeName, Tube?)], removed: [TubeName] = []) -> UInt64 {
        var awaited = TubeSubscriptions()
        for (name, tube) in added { _ = awaited.insert(name, tube) }
        for name in removed { awaited.remove(name) }
        return awaited.mask
    }

    @Test func `the mask has the bits of the subscriptions`() {
        let all: [(TubeName, Tube?)] = [(a.name, a), (b.name, b), (c.name, c)]
        #expect(mask([]) == 0)
        #expect(mask(all) == 1 << 3 | 1 << 5)
        #expect(mask(all, removed: [a.name]) == 1 << 3 | 1 << 5, "another tube has the same bit")
        #expect(mask(all, removed: [a.name, b.name]) == 1 << 5)
        #expect(mask(all, removed: [b.name, b.name, c.name]) == 1 << 3)
        #expect(mask(all + all, removed: [a.name, b.name, c.name]) == 0, "each counts once")
    }

    @Test func `a tube whose number may change sets all bits`() {
        let all: [(TubeName, Tube?)] = [(a.name, a), (b.name, nil), (c.name, c)]
        #expect(mask(all) == .max)
        #expect(mask(all, removed: [a.name]) == .max)
        #expect(mask(all, removed: [a.name, b.name]) == 1 << 5)
    }

    @Test func `insert returns whether the subscription is new`() {
        var awaited = TubeSubscriptions()
        let first = awaited.insert(a.name, a)
        let second = awaited.insert(a.name, a)
        #expect([first, second] == [true, false])
    }
}
