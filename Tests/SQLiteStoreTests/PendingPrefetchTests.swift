import TaskStore
import Testing

@testable import SQLiteStore

@Suite struct PendingPrefetchTests {
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
