import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// Sessions that wait are served even if one batch does many things.
@Suite struct WaitingTests {
    let script = SessionScript()
    static let other = TubeName("other")!
    let put = Command.put(priority: 1, delay: 0, timeToRun: 60, body: [1])

    /// Tasks that the script's store has in the tube `default`.
    private final class Pending {
        var tasks: [Int64] = []
    }

    private let pending = Pending()

    init() {
        let (script, pending) = (script, pending)
        var last: Int64 = 0
        script.store = { operation in
            switch operation.action {
            case .put(let task) where task.delay == 0:
                last += 1
                pending.tasks.append(last)
                return .inserted(TaskID(rawValue: last))
            case .release(let task, _, 0):
                pending.tasks.append(task.rawValue)
                return .released
            case .claim(_, let count, _):
                defer { pending.tasks.removeFirst(min(count, pending.tasks.count)) }
                return .claimed(pending.tasks.prefix(count).map { script.task($0) })
            case .claimTask(let task):
                return .claimed([script.task(task.rawValue)])
            case .kick:
                return .kicked(0)
            case .kickTask:
                return .notFound
            default:
                return nil
            }
        }
    }

    @Test func `a put serves the reserve of another session earlier in the batch`() {
        let consumer = script.connect()
        let producer = script.connect()
        script.send(.reserve, from: consumer)
        script.send(put, from: producer)
        #expect(script.replies(to: consumer) == [.reserved(TaskID(rawValue: 1), body: [])])
    }

    @Test(
        arguments: [Command.kick(bound: 10), .kickJob(TaskID(rawValue: 9)), .pauseTube(.default, seconds: 0)]
    )
    func `a put serves waiting sessions also behind a command that promised tasks and brought none`(command: Command) {
        let consumer = script.connect()
        let producer = script.connect()
        script.send(.reserve, from: consumer)
        #expect(script.replies(to: consumer) == [])
        script.send(command, .listTubeUsed, .peekNext(.pending), put, from: producer)
        #expect(script.replies(to: consumer) == [.reserved(TaskID(rawValue: 1), body: [])])
    }

    @Test func `a put serves waiting sessions also after news of tasks that are gone already`() {
        let consumer = script.connect()
        let producer = script.connect()
        script.send(.reserve, from: consumer)
        #expect(script.replies(to: consumer) == [])
        script.table.sessions.waiters.wakeAll()
        script.send(put, from: producer)
        #expect(script.replies(to: consumer) == [.reserved(TaskID(rawValue: 1), body: [])])
    }

    @Test func `a task that one packet claims and releases serves a waiting session`() {
        let consumer = script.connect()
        let other = script.connect()
        script.send(.reserve, from: consumer)
        #expect(script.replies(to: consumer) == [])
        let task = TaskID(rawValue: 5)
        script.send(.reserveJob(task), .release(task, priority: 1, delay: 0), from: other)
        #expect(script.replies(to: consumer) == [.reserved(task, body: [])])
    }

    @Test func `sessions that found nothing are served in the order in which they came`() {
        let consumers = (0..<3).map { _ in script.connect() }
        let producer = script.connect()
        for consumer in consumers { script.send(.reserve, from: consumer) }
        script.send(put, put, from: producer)
        script.replies(to: producer)
        #expect(consumers.map { $0.wait == nil } == [true, true, false])
        #expect(consumers.map { $0.claims.byTask.keys.first?.rawValue } == [1, 2, nil])
    }

    @Test func `a claim that finds nothing is not repeated without end`() {
        let consumer = script.connect()
        let producer = script.connect()
        script.send(.reserve, from: consumer)
        script.send(.kickJob(TaskID(rawValue: 9)), from: producer)
        #expect(script.replies(to: consumer) == [])
        #expect(!script.table.hasWork)
    }

    @Test func `a put behind a reserve that waits does not make a producer yet`() {
        let session = script.connect()
        script.send(.reserve, put, from: session)
        script.replies(to: session)
        #expect(script.table.sessions.producers == 0)
        script.table.sessions.finish(session)
        script.turn()
        #expect(script.table.sessions.producers == 1)
        script.replies(to: session)
        #expect(script.table.sessions.producers == 0, "its connection is being closed")
    }

    @Test func `a session leaves its tubes in beanstalkd's order`() {
        let session = script.connect()
        let names = ["a", "b", "c"].map { TubeName($0)! }
        for name in names { script.send(.watch(name), from: session) }
        script.send(.use(Self.other), from: session)
        script.replies(to: session)
        script.table.sessions.close(session)
        script.turn()
        let released = script.batches.last?
            .compactMap { operation -> String? in
                guard case .countUse(let tube, _, _) = operation.action else { return nil }
                return tube.text
            }
        #expect(released == ["default", "c", "b", "a", "other"])
    }
}
