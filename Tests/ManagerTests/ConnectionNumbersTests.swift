import Testing

@testable import Manager

@Suite struct ConnectionNumbersTests {
    @Test func `numbers count from 1`() {
        var numbers = ConnectionNumbers()
        let given = (1...3).map { _ in numbers.take() }
        #expect(given == [1, 2, 3])
    }

    @Test func `a number that was given back does not come again at once`() {
        var numbers = ConnectionNumbers()
        numbers.release(numbers.take())
        let next = numbers.take()
        #expect(next == 2)
    }

    @Test func `after the last number they begin again, without those of open connections`() {
        var numbers = ConnectionNumbers()
        for _ in 1...3 { _ = numbers.take() }
        numbers.release(2)
        numbers.skip(to: .max - 1)
        let given = (1...3).map { _ in numbers.take() }
        #expect(given == [.max, 2, 4], "0 is no connection, 1 and 3 are open")
    }
}

extension ConnectionNumbers {
    /// Continues as if a number of connections had been opened and closed.
    fileprivate mutating func skip(to last: UInt32) {
        self = ConnectionNumbers(after: last, taken: taken)
    }
}
