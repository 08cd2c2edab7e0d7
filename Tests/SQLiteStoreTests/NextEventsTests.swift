import Testing

@testable import SQLiteStore

@Suite struct NextEventsTests {
    @Test func `the next event is the earliest one`() {
        var nextEvents = NextEvents()
        nextEvents.addDelay(until: 5)
        #expect(nextEvents[.delays] == .unknown, "what is not known stays so")
        nextEvents[.delays] = .known(nil)
        nextEvents.addDelay(until: 5)
        nextEvents.addDelay(until: 7)
        #expect(nextEvents[.delays] == .known(5))
        nextEvents.removeDelay(until: 7)
        #expect(nextEvents[.delays] == .known(5))
        nextEvents.removeDelay(until: 5)
        #expect(nextEvents[.delays] == .unknown, "the next one has to be looked up")
    }
}
