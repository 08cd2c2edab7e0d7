import Testing

@testable import BeanrowClient

@Suite struct PolicyTests {
    @Test func `delays double up to their limit`() {
        let delay = ExponentialBackoff(first: .milliseconds(100), limit: .seconds(1))
        let longest = (0..<6).map { delay.longestDelay(before: $0) }
        #expect(longest == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        #expect(delay.longestDelay(before: .max) == .seconds(1))
    }

    @Test func `the random part is at most half of the delay`() {
        let delay = ExponentialBackoff(first: .seconds(4), limit: .seconds(8))
        #expect(delay.delay(before: 0, random: 0) == .seconds(4))
        #expect(delay.delay(before: 0, random: 0.5) == .seconds(3))
        #expect(delay.delay(before: 0, random: 1) == .seconds(2))
        #expect(delay.delay(before: 0, random: 7) == .seconds(2))
    }

    @Test func `round-robin starts with the next manager each time`() {
        var selector = ManagerSelector(count: 3, selection: .roundRobin, first: 1)
        let orders = (0..<4).map { _ in selector.order { _ in 0 } }
        #expect(orders == [[1, 2, 0], [2, 0, 1], [0, 1, 2], [1, 2, 0]])
    }

    @Test func `random starts with any manager`() {
        var selector = ManagerSelector(count: 3, selection: .random, first: 0)
        var numbers = [2, 0, 2].makeIterator()
        let orders = (0..<3).map { _ in selector.order { _ in numbers.next() ?? 0 } }
        #expect(orders == [[2, 0, 1], [0, 1, 2], [2, 0, 1]])
    }

    @Test func `sticky continues with the manager that worked`() {
        var selector = ManagerSelector(count: 3, selection: .sticky, first: 0)
        #expect(selector.order { _ in 0 } == [0, 1, 2])
        selector.worked(2)
        #expect(selector.order { _ in 0 } == [2, 0, 1])
        selector.lost(0)
        #expect(selector.order { _ in 0 } == [2, 0, 1])
        selector.lost(2)
        #expect(selector.order { _ in 0 } == [0, 1, 2])
    }

    @Test func `statistics are read from YAML`() {
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
