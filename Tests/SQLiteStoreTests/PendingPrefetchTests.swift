import TaskStore
import Testing

@testable import SQLiteStore

@Suite struct PendingPrefetchTests {
    private func task(_ id: Int64, _ priority: Int64) -> PendingTask {
        PendingTask(id: id, priority: priority, timeToRun: 1, isKeyed: false)
    }

    @Test func `nothing is known at first`() {
        #expect(PendingPrefetch().first == .unknown)
    }

    @Test func `each query asks for more tasks`() {
        var prefetch = PendingPrefetch()
        var limits: [Int] = []
        for _ in 0..<5 {
            limits.append(prefetch.nextLimit)
            prefetch.fill([], limit: prefetch.nextLimit)
        }
        #expect(limits == [1, 4, 16, 64, 64])
        prefetch.reset()
        #expect(prefetch.nextLimit == 1)
    }

    @Test func `it knows if the tube is empty`() {
        var prefetch = PendingPrefetch()
        prefetch.fill([task(1, 1)], limit: 2)
        prefetch.removeFirst()
        #expect(prefetch.first == .known(nil))
        prefetch.add(task(5, 5))
        prefetch.add(task(6, 4))
        #expect(prefetch.first == .known(task(6, 4)))
        prefetch.fill([], limit: 1)
        #expect(prefetch.first == .known(nil))
    }

    @Test func `it does not know what follows the last task`() {
        var prefetch = PendingPrefetch()
        prefetch.fill([task(1, 1), task(2, 2)], limit: 2)
        prefetch.add(task(9, 9))
        prefetch.removeFirst()
        #expect(prefetch.first == .known(task(2, 2)))
        prefetch.removeFirst()
        #expect(prefetch.first == .unknown)
    }

    @Test func `tasks that are no longer pending are removed`() {
        var prefetch = PendingPrefetch()
        prefetch.fill([task(1, 1), task(2, 2)], limit: 2)
        prefetch.remove(7)
        prefetch.remove(1)
        #expect(prefetch.first == .known(task(2, 2)))
        prefetch.remove(2)
        #expect(prefetch.first == .unknown)
    }

    @Test func `the order is by priority, then by age`() {
        var prefetch = PendingPrefetch()
        prefetch.fill([], limit: 1)
        let tasks = [task(4, 2), task(2, 2), task(9, 1), task(1, 3), task(3, 2)]
        for task in tasks { prefetch.add(task) }
        var order: [Int64] = []
        while case .known(let first?) = prefetch.first {
            order.append(first.id)
            prefetch.removeFirst()
        }
        #expect(order == [9, 2, 3, 4, 1])
    }

    @Test func `the end of a long list is dropped`() {
        var prefetch = PendingPrefetch()
        prefetch.fill([], limit: 1)
        for id in 0..<1000 { prefetch.add(task(Int64(id), 1)) }
        var taken = 0
        while case .known(let first?) = prefetch.first {
            #expect(first.id == Int64(taken))
            prefetch.removeFirst()
            taken += 1
        }
        #expect(taken == 2 * PendingPrefetch.capacity)
        #expect(prefetch.first == .unknown, "the index has to be asked for the rest")
    }
}
