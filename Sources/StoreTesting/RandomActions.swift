public import SeededRandom
public import TaskStore

private let names = (0..<6).compactMap { TubeName("tube-\($0)") } + [.default]

/// Returns an action that a session may ask for, sensible or not.
///
/// - Parameters:
///   - tasks: the number of the last task.
///   - random: the source of the choices.
///   - counting: whether the action may also leave tubes, use keys, clear a tube, attach a named session, or end one.
/// - Returns: an action.
public func randomAction(of tasks: Int64, using random: inout SeededGenerator, counting: Bool = true) -> Action {
    func number(_ range: ClosedRange<UInt32>) -> UInt32 { .random(in: range, using: &random) }
    let tube = names[Int(number(0...6))]
    // Mostly one of the last tasks, which probably exist.
    let id = TaskID(rawValue: max(1, tasks + 2 - Int64(number(0...60))))
    let priority = [number(0...3), number(1020...1027), number(0...(.max))][Int(number(0...2))]
    let delay = number(0...3) == 0 ? number(1...4) : 0
    switch number(0...(counting ? 57 : 39)) {
    case 0...9:
        let body = [UInt8](repeating: UInt8(number(0...255)), count: Int(number(0...40)))
        return .put(NewTask(tube: tube, priority: priority, delay: delay, timeToRun: number(0...9), body: body))
    case 10...16:
        let tubes = names.shuffled(using: &random).prefix(Int(number(1...7)))
        return .claim(tubes: Array(tubes), count: Int(number(1...4)) % 4 + 1, waits: number(0...5) == 0)
    case 17: return .claimTask(id)
    case 18...20: return .delete(id)
    case 21...22: return .release(id, priority: priority, delay: delay)
    case 23...24: return .bury(id, priority: priority)
    case 25: return .touch(id)
    case 26: return .kick(tube, bound: Int(number(0...3)), from: [nil, nil, .buried, .delayed][Int(number(0...3))])
    case 27: return .kickTask(id)
    case 28: return .peek(id)
    case 29: return .peekNext(tube, TaskState.allCases[Int(number(0...3))])
    case 30: return .pause(tube, seconds: number(0...3))
    case 31: return .taskStatistics(id)
    case 32: return .tubeStatistics(tube)
    case 33: return .storeStatistics
    case 34: return .listTubes
    case 35: return .expire(id)
    case 36: return .disconnect(releasing: .ownClaims)
    case 40...41: return SessionName("session-\(number(0...3))").map { .attach($0) } ?? .listTubes
    case 42...46:
        let timeToRun = UInt32(number(0...9))
        let key = UniqueKey("key-\(number(0...30))")
        return .put(
            NewTask(tube: tube, priority: priority, delay: delay, timeToRun: timeToRun, body: [1], key: key)
        )
    case 48: return .disconnect(releasing: .allClaims)
    case 50: return .breakClaim(id)
    case 51...53: return .moveTask(id, to: tube)
    case 54:
        let target = names[Int(number(0...6))]
        return .moveTasks(from: tube, to: target, TaskState.allCases[Int(number(0...3))], limit: Int(number(0...5)))
    case 55...56:
        let edit = TaskEdit(
            priority: number(0...1) == 0 ? priority : nil,
            delay: number(0...1) == 0 ? delay : nil,
            timeToRun: number(0...1) == 0 ? number(0...9) : nil
        )
        return .editTask(id, edit)
    case 57: return .setDraining(manager: "m\(number(0...40))", number(0...1) == 0)
    case 47: return .clear(tube, TaskState.allCases[Int(number(0...3))], limit: Int(number(0...5)))
    default:
        guard counting else { return .countUse(tube, using: 1, watching: 0) }
        return .countUse(tube, using: Int(number(0...2)) - 1, watching: Int(number(0...2)) - 1)
    }
}

/// Returns a question whose answer is the same in all stores.
func randomQuery(of tasks: Int64, managers: [String], using random: inout SeededGenerator) -> InspectQuery {
    func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }
    func maybe<Value>(_ value: Value) -> Value? { number(0...1) == 0 ? value : nil }
    let tube = names[number(0...6)]
    let state = TaskState.allCases[number(0...3)]
    let limit = number(1...4)
    return switch number(0...5) {
    case 0: .tubes(having: maybe(state), after: nil, limit: limit)
    case 1: .tube(tube)
    case 2: .task(TaskID(rawValue: max(1, tasks - Int64(number(0...30)))), withBody: number(0...1) == 0)
    case 3:
        .claims(tube: maybe(tube), manager: maybe(managers[number(0...2)]), after: TaskID(rawValue: 0), limit: limit)
    case 4: .sessions(tube: maybe(tube), manager: maybe(managers[number(0...2)]), after: 0, limit: limit)
    default:
        .tasks(
            TaskFilter(
                tube: maybe(tube),
                state: maybe(state),
                olderThan: maybe(UInt32(number(0...5))),
                bodyLike: maybe([UInt8](repeating: UInt8(number(0...255)), count: number(1...3))) ?? []
            ),
            after: TaskID(rawValue: 0),
            limit: limit
        )
    }
}

/// Returns the commands of clients that do not wait for answers: many puts, claims of many tasks, deletes of one task
/// after the other.
public func randomBurst(of tasks: Int64, using random: inout SeededGenerator) -> [Action] {
    func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }
    let tube = names[number(0...6)]
    let count = number(1...70)
    func puts() -> [Action] {
        let priority = UInt32(number(1020...1027))
        return (0..<count)
            .map { index in
                let isOdd = number(0...40) == 0
                let task = NewTask(
                    tube: isOdd ? names[number(0...6)] : tube,
                    priority: isOdd ? UInt32(number(0...2000)) : priority,
                    delay: isOdd ? UInt32(number(0...3)) : 0,
                    timeToRun: UInt32(number(0...9)),
                    body: [UInt8](repeating: UInt8(index), count: number(0...30))
                )
                return .put(task)
            }
    }
    func deletes(from first: Int64) -> [Action] {
        (0..<Int64(count)).map { .delete(TaskID(rawValue: max(1, first + $0))) }
    }
    let claim = Action.claim(tubes: [tube], count: number(1...count + 3), waits: number(0...5) == 0)
    func deletesAndClaims() -> [Action] {
        (0..<Int64(count))
            .flatMap { index in
                let isOdd = number(0...60) == 0
                let delete = Action.delete(TaskID(rawValue: tasks + (isOdd ? Int64(number(1...90)) : index + 1)))
                return [delete, .claim(tubes: [tube], count: isOdd ? 2 : 1, waits: number(0...60) == 0)]
            }
    }
    func singleClaims() -> [Action] {
        (0..<count).map { _ in .claim(tubes: [tube], count: 1, waits: number(0...80) == 0) }
    }
    return switch number(0...6) {
    case 6: [.clear(tube, .pending, limit: 1000)] + puts() + singleClaims() + deletes(from: tasks + 1)
    case 5: [.clear(tube, .pending, limit: 1000)] + puts() + [claim] + deletesAndClaims()
    case 0: puts()
    case 1: [claim]
    case 2: deletes(from: tasks - Int64(number(0...100)))
    case 3: puts() + [claim]
    default: [.clear(tube, .pending, limit: 1000)] + puts() + [claim] + deletes(from: tasks + 1)
    }
}

/// Gives all actions to one session, or to several sessions in turn.
///
/// Deletes follow claims in the same order in both cases.
public func spread(
    _ actions: [Action],
    from session: SessionID,
    of manager: ManagerID,
    using random: inout SeededGenerator
) -> [Operation] {
    guard actions.count > 1, Bool.random(using: &random) else {
        return actions.map { Operation(session: session, action: $0) }
    }
    var turns = [0, 0]
    return actions.map { action in
        var turn = 0
        if case .claim = action {
            turns[0] += 1
            turn = turns[0]
        }
        if case .delete = action {
            turns[1] += 1
            turn = turns[1]
        }
        return Operation(session: SessionID(connection: UInt32(turn % 3 + 1), of: manager), action: action)
    }
}

/// Restricts some of the operations that name a task, and lists, to some tubes.
public func restricted(_ operations: [Operation], using random: inout SeededGenerator) -> [Operation] {
    guard Int.random(in: 0..<4, using: &random) == 0 else { return operations }
    let globs = ["tube-*", "tube-1", "*-2", "default", "t*e-3*", "*", "_ube-4"].compactMap(TubeGlob.init)
    func some() -> [TubeGlob] { Array(globs.shuffled(using: &random).prefix(.random(in: 0...2, using: &random))) }
    let held = some()
    let filter = AccessFilter(held: held, others: Bool.random(using: &random) ? held : some())
    return operations.map { operation in
        var operation = operation
        if operation.action == .listTubes || operation.action.task != nil { operation.access = filter }
        return operation
    }
}

/// Returns SQL that a person may write, sensible or not.
public func randomSQL(using random: inout SeededGenerator) -> String {
    func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }
    let id = number(1...200)
    let tube = "'tube-\(number(0...6))'"
    return switch number(0...9) {
    case 0...2: "INSERT INTO task (tube, body, priority) VALUES (\(tube), 'x', \(number(1000...1040)))"
    case 3: "INSERT INTO task (tube, body, delay) VALUES (\(tube), 'x', \(number(-1...3)))"
    case 4: "UPDATE task SET state = 'pending', priority = \(number(1000...1040)) WHERE id = \(id)"
    case 5: "UPDATE task SET state = 'buried' WHERE id BETWEEN \(id) AND \(id + 3)"
    case 6: "UPDATE task SET state = 'delayed', delay = \(number(0...3)) WHERE id = \(id)"
    case 7: "UPDATE task SET tube = \(tube) WHERE id BETWEEN \(id) AND \(id + 5)"
    case 8: "DELETE FROM task WHERE id = \(id)"
    default: "UPDATE task SET priority = \(number(1020...1028)) WHERE tube = \(tube)"
    }
}
