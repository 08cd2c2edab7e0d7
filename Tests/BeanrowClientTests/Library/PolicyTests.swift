import Testing

@testable import BeanrowClient

@Suite struct PolicyTests {
    @Test func delaysDoubleUpToTheirLimit() {
        let delay = GrowingDelay(first: .milliseconds(100), limit: .seconds(1))
        let longest = (0..<6).map { delay.longest(before: $0) }
        #expect(longest == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        #expect(delay.longest(before: .max) == .seconds(1))
    }

    @Test func chanceTakesOffHalfAtTheMost() {
        let delay = GrowingDelay(first: .seconds(4), limit: .seconds(8))
        #expect(delay.duration(before: 0, random: 0) == .seconds(4))
        #expect(delay.duration(before: 0, random: 0.5) == .seconds(3))
        #expect(delay.duration(before: 0, random: 1) == .seconds(2))
        #expect(delay.duration(before: 0, random: 7) == .seconds(2))
    }

    @Test func roundRobinBeginsWithTheNextEachTime() {
        var picker = ManagerPicker(count: 3, strategy: .roundRobin, first: 1)
        let orders = (0..<4).map { _ in picker.order { _ in 0 } }
        #expect(orders == [[1, 2, 0], [2, 0, 1], [0, 1, 2], [1, 2, 0]])
    }

    @Test func randomBeginsAnywhere() {
        var picker = ManagerPicker(count: 3, strategy: .random, first: 0)
        var numbers = [2, 0, 2].makeIterator()
        let orders = (0..<3).map { _ in picker.order { _ in numbers.next() ?? 0 } }
        #expect(orders == [[2, 0, 1], [0, 1, 2], [2, 0, 1]])
    }

    @Test func stayGoesOnWithTheOneThatWorked() {
        var picker = ManagerPicker(count: 3, strategy: .stay, first: 0)
        #expect(picker.order { _ in 0 } == [0, 1, 2])
        picker.worked(2)
        #expect(picker.order { _ in 0 } == [2, 0, 1])
        picker.lost(0)
        #expect(picker.order { _ in 0 } == [2, 0, 1])
        picker.lost(2)
        #expect(picker.order { _ in 0 } == [0, 1, 2])
    }

    @Test func readsStatistics() {
        let statistics = Statistics(bytes("---\nname: a/b\nid: \"x:y\"\npri: 17\nempty:\n"))
        #expect(statistics.entries.map(\.name) == ["name", "id", "pri", "empty"])
        #expect(statistics["name"] == "a/b")
        #expect(statistics["id"] == "x:y")
        #expect(statistics.number("pri") == 17)
        #expect(statistics["empty"] == "")
        #expect(statistics["none"] == nil)
        #expect(Statistics.list(bytes("---\n- default\n- \"a\"\n")) == ["default", "a"])
    }
}
