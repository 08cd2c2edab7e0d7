import Testing

@testable import Manager

@Suite struct TurnTimesTests {
    @Test func `quantiles are bounds of what was counted`() throws {
        var times = TurnTimes()
        #expect(times.quantile(thousandths: 500) == nil)
        for _ in 0..<99 { times.note(.microseconds(100)) }
        times.note(.seconds(2))
        let half = try #require(times.quantile(thousandths: 500))
        #expect((100...150).contains(half))
        #expect(times.quantile(thousandths: 990) == half)
        #expect(try #require(times.quantile(thousandths: 1000)) >= 2_000_000)
    }

    @Test func `what took longest is counted too, and time lets it be forgotten`() throws {
        var times = TurnTimes()
        times.note(.seconds(100_000))
        times.note(.zero)
        #expect(try #require(times.quantile(thousandths: 1000)) >= 50_000_000)
        times.age(at: .now + .seconds(61))
        #expect(times.quantile(thousandths: 1000) == nil)
    }
}
