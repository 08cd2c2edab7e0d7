import TaskStore
import Testing

@Suite("Small values")
struct ValueTests {
    @Test("Ids are decimal and ordered by number")
    func taskIDs() {
        #expect(TaskID(rawValue: 9).description == "9")
        #expect("\(TaskID(rawValue: .max))" == "9223372036854775807")
        #expect(TaskID(rawValue: 9) < TaskID(rawValue: 10))
        #expect(!(TaskID(rawValue: 10) < TaskID(rawValue: 10)))
    }

    @Test("States have the database's word and the wire's")
    func states() {
        let words = TaskState.allCases.map { [$0.rawValue, $0.wireName] }
        #expect(
            words == [["pending", "ready"], ["delayed", "delayed"], ["claimed", "reserved"], ["buried", "buried"]]
        )
        #expect(TaskState(rawValue: "ready") == nil)
    }

    @Test("Seconds are added as milliseconds, the longest delay too")
    func timestamps() {
        let start = Timestamp(rawValue: 1_700_000_000_123)
        #expect(start.adding(seconds: 0) == start)
        #expect(start.adding(seconds: 2).rawValue == 1_700_000_002_123)
        #expect(start.adding(seconds: .max).rawValue == 1_700_000_000_123 + 4_294_967_295_000)
        #expect(start < start.adding(seconds: 1))
    }

    @Test(
        "A session is its manager and its connection",
        arguments: [1, 3, 2_147_483_647] as [Int64],
        [0, 1, 17, .max] as [UInt32]
    )
    func sessions(number: Int64, connection: UInt32) {
        let manager = ManagerID(rawValue: number)
        let session = SessionID(connection: connection, of: manager)
        #expect(session.manager == manager)
        #expect(session.connection == connection)
        #expect(session.rawValue > 0)
        #expect(session.description == "\(number)/\(connection)")
        #expect(SessionID.all(of: manager).contains(session.rawValue))
    }

    @Test("The sessions of managers do not overlap and leave no gap")
    func sessionRanges() {
        let first = SessionID.all(of: ManagerID(rawValue: 1))
        let second = SessionID.all(of: ManagerID(rawValue: 2))
        #expect(first.upperBound + 1 == second.lowerBound)
        #expect(first.count == 1 << 32)
    }

    @Test("An error reads as its message")
    func errors() {
        #expect("\(StoreError(.lost, "tasks.db is gone"))" == "tasks.db is gone")
        #expect(StoreError(.lost, "x") != StoreError(.busy, "x"))
    }

    @Test("Claims of dead managers may be of use to those who wait, no claims are of none")
    func maintenance() {
        let dead = DeadManager(id: ManagerID(rawValue: 1), name: "a", claims: 0)
        #expect(!Maintenance().madePending)
        #expect(!Maintenance(recovered: [dead]).madePending)
        #expect(
            Maintenance(recovered: [dead, DeadManager(id: ManagerID(rawValue: 2), name: "b", claims: 1)]).madePending
        )
    }

    @Test("Counts and statistics begin at nothing")
    func statistics() {
        let tube = TubeStatistics(name: .default)
        #expect(tube.counts == TaskCounts())
        #expect([tube.totalTasks, tube.deletes, tube.pauses, tube.using, tube.watching] == [0, 0, 0, 0, 0])
        #expect(tube.pause == 0 && tube.pauseTimeLeft == 0)
    }
}
