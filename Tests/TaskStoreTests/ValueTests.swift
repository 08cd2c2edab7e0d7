import TaskStore
import Testing

/// Small value types.
@Suite struct ValueTests {
    @Test func `ids are decimal and ordered by number`() {
        #expect(TaskID(rawValue: 9).description == "9")
        #expect("\(TaskID(rawValue: .max))" == "9223372036854775807")
        #expect(TaskID(rawValue: 9) < TaskID(rawValue: 10))
        #expect(!(TaskID(rawValue: 10) < TaskID(rawValue: 10)))
    }

    @Test func `a state has one word in the database and one on the wire`() {
        let words = TaskState.allCases.map { [$0.rawValue, $0.wireName] }
        #expect(
            words == [["pending", "ready"], ["delayed", "delayed"], ["claimed", "reserved"], ["buried", "buried"]]
        )
        #expect(TaskState(rawValue: "ready") == nil)
    }

    @Test func `seconds are added as milliseconds, also for the longest delay`() {
        let start = Timestamp(rawValue: 1_700_000_000_123)
        #expect(start.adding(seconds: 0) == start)
        #expect(start.adding(seconds: 2).rawValue == 1_700_000_002_123)
        #expect(start.adding(seconds: .max).rawValue == 1_700_000_000_123 + 4_294_967_295_000)
        #expect(start < start.adding(seconds: 1))
    }

    @Test(
        arguments: [1, 3, 2_147_483_647] as [Int64],
        [0, 1, 17, .max] as [UInt32]
    )
    func `a session id holds its manager and its connection`(number: Int64, connection: UInt32) {
        let manager = ManagerID(rawValue: number)
        let session = SessionID(connection: connection, of: manager)
        #expect(session.manager == manager)
        #expect(session.connection == connection)
        #expect(session.rawValue > 0)
        #expect(session.description == "\(number)/\(connection)")
        #expect(SessionID.all(of: manager).contains(session.rawValue))
    }

    @Test func `the session ids of managers do not overlap and leave no gap`() {
        let first = SessionID.all(of: ManagerID(rawValue: 1))
        let second = SessionID.all(of: ManagerID(rawValue: 2))
        #expect(first.upperBound + 1 == second.lowerBound)
        #expect(first.count == 1 << 32)
    }

    @Test func `the description of an error is its message`() {
        #expect("\(StoreError(.lost, "tasks.db is gone"))" == "tasks.db is gone")
        #expect(StoreError(.lost, "x") != StoreError(.busy, "x"))
    }

    @Test func `returned claims may be of use to sessions that wait, and no claims are of no use`() {
        let dead = DeadManager(id: ManagerID(rawValue: 1), name: "a", claims: 0)
        #expect(!Maintenance().madePending)
        #expect(!Maintenance(recovered: [dead]).madePending)
        #expect(
            Maintenance(recovered: [dead, DeadManager(id: ManagerID(rawValue: 2), name: "b", claims: 1)]).madePending
        )
    }

    @Test func `counts and statistics begin at 0`() {
        let tube = TubeStatistics(name: .default)
        #expect(tube.counts == TaskCounts())
        #expect([tube.totalTasks, tube.deletes, tube.pauses, tube.using, tube.watching] == [0, 0, 0, 0, 0])
        #expect(tube.pause == 0 && tube.pauseTimeLeft == 0)
    }
}
