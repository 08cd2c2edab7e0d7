import Testing

/// The history finds each kind of violation, or the tests that use it would mean nothing.
@Suite struct HistoryTests {
    private let history = History()
    private let start = ContinuousClock.now

    private func pickup(
        _ task: Int = 1,
        body: String = "a",
        from: Int,
        to: Int,
        by consumer: Int = 1,
        manager: Int32 = 100,
        reserves: Int? = nil,
        _ result: History.Result
    ) {
        history.add(
            History.Pickup(
                task: task,
                body: body,
                consumer: consumer,
                manager: manager,
                reserves: reserves,
                start: start + .seconds(from),
                end: start + .seconds(to),
                result: result
            )
        )
    }

    @Test func `a task that is put, picked up and deleted violates nothing`() {
        history.put("a", id: 1)
        pickup(from: 0, to: 1, reserves: 1, .deleted)
        #expect(history.violations(claimsBreak: false) == [])
    }

    @Test func `a broken claim and a second pickup are allowed if claims can break`() {
        history.put("a", id: 1)
        pickup(from: 0, to: 1, reserves: 1, .broken)
        pickup(from: 2, to: 3, by: 2, reserves: 2, .deleted)
        #expect(history.violations(claimsBreak: true) == [])
        #expect(history.violations(claimsBreak: false) == ["task 1: a connection broke"])
    }

    @Test func `a client whose manager was killed has no tasks any more`() {
        history.put("a", id: 1)
        history.willKill(100)
        // It notices this long after another client has the task.
        pickup(from: -5, to: 9, .unknown)
        pickup(from: 2, to: 3, by: 2, manager: 200, reserves: 2, .deleted)
        #expect(history.violations(claimsBreak: true) == [])
    }

    @Test func `a task that no client picked up is found`() {
        history.put("a", id: 1)
        #expect(history.violations(claimsBreak: true) == ["task 1 (a): put, never picked up"])
    }

    @Test func `a task that disappeared without a delete is found`() {
        history.put("a", id: 1)
        pickup(from: 0, to: 1, .broken)
        #expect(history.violations(claimsBreak: true) == ["task 1: gone, but no client deleted it"])
    }

    @Test func `two deletes are found`() {
        history.put("a", id: 1)
        pickup(from: 0, to: 1, .deleted)
        pickup(from: 2, to: 3, .deleted)
        #expect(
            history.violations(claimsBreak: true) == [
                "task 1: deleted 2 times", "task 1: picked up again after it was deleted",
            ]
        )
    }

    @Test func `two clients with the same task are found`() {
        history.put("a", id: 1)
        pickup(from: 0, to: 5, by: 1, .broken)
        pickup(from: 2, to: 6, by: 2, manager: 200, .deleted)
        #expect(
            history.violations(claimsBreak: true) == [
                "task 1: held by consumer 1 until 3.0 seconds after consumer 2 had it"
            ]
        )
    }

    @Test func `a claim that was lost is found`() {
        history.put("a", id: 1)
        pickup(from: 0, to: 1, .notFound)
        pickup(from: 2, to: 3, .deleted)
        #expect(
            history.violations(claimsBreak: true) == ["task 1: the claim was gone though its connection was not"]
        )
    }

    @Test func `a wrong body and a body that was put twice are found`() {
        history.put("a", id: 1)
        history.put("b", id: 2)
        pickup(1, body: "x", from: 0, to: 1, .deleted)
        pickup(2, body: "x", from: 0, to: 1, .deleted)
        let found = history.violations(claimsBreak: false)
        #expect(found.contains("task 1: put a, picked up x"))
        #expect(found.contains("task 2: put b, picked up x"))
        #expect(found.contains { $0.contains("the same body") })
    }

    @Test func `an id that was used twice and a task that no client put are found`() {
        history.put("a", id: 1)
        history.put("b", id: 1)
        pickup(1, body: "b", from: 0, to: 1, .deleted)
        pickup(2, body: "c", from: 0, to: 1, .deleted)
        #expect(
            history.violations(claimsBreak: false) == [
                "task 1: the id was used twice", "task 2: picked up, but no put was answered with this id",
            ]
        )
    }

    @Test func `a count of reserves that differs from the pickups is found`() {
        history.put("a", id: 1)
        pickup(from: 0, to: 1, reserves: 2, .deleted)
        #expect(history.violations(claimsBreak: false) == ["task 1: picked up 1 times, reserves says 2"])
    }
}
