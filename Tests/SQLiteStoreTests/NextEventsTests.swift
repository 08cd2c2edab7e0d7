import Testing

@testable import SQLiteStore

@Suite struct NextEventsTests {
    @Test func isSoonestFirst() {
        var nextEvents = NextEvents()
        nextEvents.add(due: 5)
        #expect(nextEvents.nextDue == .none, "what is not known stays so")
        nextEvents.nextDue = .some(nil)
        nextEvents.add(due: 5)
        nextEvents.add(due: 7)
        #expect(nextEvents.nextDue == 5)
        nextEvents.remove(due: 7)
        #expect(nextEvents.nextDue == 5)
        nextEvents.remove(due: 5)
        #expect(nextEvents.nextDue == .none, "the next one has to be looked up")
    }
}
