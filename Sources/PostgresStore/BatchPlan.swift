import TaskStore

/// A batch as `run_batch_2` takes it: an array for each thing that an operation may say.
///
/// Operations of one kind that stand together are run as one statement; see `functions-batch.sql` for what the numbers mean.
struct BatchPlan {
    /// What the function calls the kinds of operations.
    enum Kind: Int32 {
        case put = 1
        case claim, claimTask, delete, release, bury, touch, kick, kickTask, peek, peekNext, pause
        case taskStatistics, tubeStatistics, storeStatistics, listTubes, refer, expire, giveBack, giveBackAll, takeUp
        case putUnique, clear
    }

    /// What the function has to know of an operation besides.
    struct Flags: OptionSet {
        var rawValue: Int32
        static let waits = Flags(rawValue: 1)
        static let named = Flags(rawValue: 2)
        static let makesTube = Flags(rawValue: 4)
        static let mayBeHeldBack = Flags(rawValue: 8)
        static let mayHoldBack = Flags(rawValue: 16)
        static let makesTubeIfPut = Flags(rawValue: 32)
        static let mayMoveEvents = Flags(rawValue: 64)
    }

    /// Whether nothing but reading is asked.
    private(set) var isReadOnly = true

    /// Whether tubes may come to be or go in the middle, which only one batch at a time may do.
    private(set) var locksTubes = false

    /// Tasks to lock before anything else, in order, where other managers might want the same.
    private(set) var firstLock: [Int64] = []

    /// For the first operation of several that are run together, the last; counted from 1.
    private(set) var ends: [Int32]

    private let manager: ManagerID

    /// Whether all claims are taken to find what they want, so that nothing is held back.
    private let isHopeful: Bool

    /// Whether the batch waits for no lock of another program.
    let isCareful: Bool
    private var kinds: [Int32] = []
    private var flags: [Flags]
    private var sessions: [Int64] = []
    private var ids: [Int64]
    private var tubes: [String] = []
    private var x: [Int64]
    private var y: [Int64]
    private var z: [Int64]
    private var words: [String]
    private var bodies: [[UInt8]]
    private var slots: [Int64] = []

    /// Plans a batch.
    ///
    /// - Parameters:
    ///   - operations: the batch.
    ///   - manager: the number that sessions have now, whatever number they were opened with.
    ///   - members: what this manager's connections have.
    ///   - isHopeful: whether all claims are taken to find what they want, so that nothing is held back.
    ///   - isCareful: whether it waits for no lock of another program; then nothing that names tasks is run together.
    init(
        _ operations: [Operation],
        manager: ManagerID,
        members: Members,
        isHopeful: Bool = false,
        isCareful: Bool = false
    ) {
        self.isHopeful = isHopeful
        self.isCareful = isCareful
        self.manager = manager
        let count = operations.count
        ends = (0..<count).map { Int32($0 + 1) }
        flags = Array(repeating: [], count: count)
        ids = Array(repeating: 0, count: count)
        x = Array(repeating: 0, count: count)
        y = x
        z = x
        words = Array(repeating: "", count: count)
        bodies = Array(repeating: [], count: count)
        kinds.reserveCapacity(count)
        sessions.reserveCapacity(count)
        tubes.reserveCapacity(count)

        var survey = Survey(members: members)
        for (index, operation) in operations.enumerated() { add(operation, index, &survey) }
        locksTubes = survey.makesTubes || (survey.deletes && survey.readsTubes)
        if isCareful || (survey.namesForeign && survey.named.count > 1) { firstLock = survey.named.sorted() }
        // The keys of tasks that are deleted together are seen to at the end of the batch.
        group(operations, deletes: !locksTubes && !survey.putsKeys && !isCareful)
    }

    /// What is gathered while operations are added.
    private struct Survey {
        var members: Members
        var makesTubes = false
        var deletes = false
        var readsTubes = false
        var putsKeys = false
        var named: Set<Int64> = []
        var namesForeign = false

        /// The last waiting claim of each session.
        var claims: [UInt32: Int] = [:]

        /// Sessions with an operation that may meet a lock, so that what they ask for behind it may have to wait.
        var mayMeetLock: Set<UInt32> = []

        mutating func name(_ task: TaskID) {
            named.insert(task.rawValue)
            if members.held[task.rawValue] == nil { namesForeign = true }
        }
    }

    private mutating func add(_ operation: Operation, _ index: Int, _ survey: inout Survey) {
        let connection = operation.session.connection
        sessions.append(SessionID(connection: connection, of: manager).rawValue)
        tubes.append("")
        if !isHopeful, let claim = survey.claims[connection] {
            flags[claim].insert(.mayHoldBack)
            flags[index].insert(.mayBeHeldBack)
        }
        if isCareful {
            if survey.mayMeetLock.contains(connection), operation.action.canBeHeldBack {
                flags[index].insert(.mayBeHeldBack)
            }
            if operation.action.mayMeetLock { survey.mayMeetLock.insert(connection) }
        }
        if operation.action.concernsClaims, survey.members.named[connection] != nil { flags[index].insert(.named) }
        kinds.append(describe(operation.action, index, connection, &survey).rawValue)
    }

    private mutating func describe(
        _ action: Action,
        _ index: Int,
        _ connection: UInt32,
        _ survey: inout Survey
    ) -> Kind {
        if !action.isReadOnly { isReadOnly = false }
        switch action {
        case .put(let task):
            describe(task, index)
            if let key = task.key { return describe(task, key, index, &survey) }
            if !survey.members.protects(task.tube) {
                survey.makesTubes = true
                flags[index].insert(.makesTube)
            }
            return .put
        case .claim(let names, let count, let waits):
            tubes[index] = names.count == 1 ? names[0].text : names.map(\.text).joined(separator: " ")
            x[index] = Int64(count)
            if waits {
                flags[index].insert(.waits)
                survey.claims[connection] = index
            }
            return .claim
        case .claimTask(let id):
            ids[index] = id.rawValue
            survey.name(id)
            return .claimTask
        case .delete(let id):
            ids[index] = id.rawValue
            survey.name(id)
            survey.deletes = true
            // When claims of unnamed sessions end only their own manager knows.
            if survey.members.held[id.rawValue] != connection || survey.members.named[connection] != nil {
                flags[index].insert(.mayMoveEvents)
            }
            return .delete
        case .release(let id, let priority, let delay):
            (ids[index], x[index], y[index]) = (id.rawValue, Int64(priority), Int64(delay))
            survey.name(id)
            return .release
        case .bury(let id, let priority):
            (ids[index], x[index]) = (id.rawValue, Int64(priority))
            survey.name(id)
            return .bury
        case .touch(let id):
            ids[index] = id.rawValue
            survey.name(id)
            return .touch
        case .kick(let tube, let bound, let state):
            (tubes[index], x[index], y[index]) = (tube.text, Int64(max(0, bound)), state?.number ?? 0)
            return .kick
        case .kickTask(let id):
            ids[index] = id.rawValue
            survey.name(id)
            return .kickTask
        case .peek(let id):
            ids[index] = id.rawValue
            return .peek
        case .peekNext(let tube, let state):
            (tubes[index], x[index]) = (tube.text, state.number)
            return .peekNext
        case .pause(let tube, let seconds):
            (tubes[index], x[index]) = (tube.text, Int64(seconds))
            survey.readsTubes = true
            return .pause
        case .taskStatistics(let id):
            ids[index] = id.rawValue
            return .taskStatistics
        case .tubeStatistics(let tube):
            tubes[index] = tube.text
            survey.readsTubes = true
            return .tubeStatistics
        case .storeStatistics:
            survey.readsTubes = true
            return .storeStatistics
        case .listTubes:
            survey.readsTubes = true
            return .listTubes
        case .refer(let tube, let using, let watching):
            (tubes[index], x[index], y[index]) = (tube.text, Int64(using), Int64(watching))
            let wasProtected = survey.members.protects(tube)
            survey.members.refer(tube, using: using, watching: watching)
            if !wasProtected { flags[index].insert(.makesTube) }
            if !wasProtected || !survey.members.protects(tube) { survey.makesTubes = true }
            return .refer
        case .expire(let id):
            ids[index] = id.rawValue
            survey.name(id)
            return .expire
        case .giveBack:
            survey.members.end(connection)
            return .giveBack
        case .giveBackAll:
            survey.members.end(connection)
            return .giveBackAll
        case .takeUp(let name):
            words[index] = name.text
            survey.members.take(0, connection)
            return .takeUp
        case .clear(let tube, let state, let limit):
            (tubes[index], x[index], y[index]) = (tube.text, state.number, Int64(max(0, limit)))
            survey.makesTubes = true
            return .clear
        }
    }

    private mutating func describe(
        _ task: NewTask,
        _ key: UniqueKey,
        _ index: Int,
        _ survey: inout Survey
    ) -> Kind {
        survey.putsKeys = true
        words[index] = key.text
        if !survey.members.protects(task.tube) {
            survey.makesTubes = true
            flags[index].insert(.makesTubeIfPut)
        }
        return .putUnique
    }

    private mutating func describe(_ task: NewTask, _ index: Int) {
        tubes[index] = task.tube.text
        (x[index], y[index], z[index]) = (Int64(task.priority), Int64(task.delay), Int64(task.timeToRun))
        bodies[index] = task.body
        if task.delay > 0 { flags[index].insert(.mayMoveEvents) }
    }

    /// Finds the operations that can be run together, and lays out who gets which claimed task.
    private mutating func group(_ operations: [Operation], deletes groupsDeletes: Bool) {
        var start = 0
        var deleted: Set<Int64> = []
        for index in operations.indices {
            let isAlone = !flags[index].isDisjoint(with: [.named, .makesTube, .mayBeHeldBack])
            let follows =
                index > 0 && kinds[index] == kinds[start] && !isAlone
                && flags[start].isDisjoint(with: [.named, .makesTube, .mayBeHeldBack])
            switch operations[index].action {
            case .put where follows && kinds[index] == Kind.put.rawValue:
                ends[start] = Int32(index + 1)
                if flags[index].contains(.mayMoveEvents) { flags[start].insert(.mayMoveEvents) }
            case .delete where follows && groupsDeletes && deleted.insert(ids[index]).inserted:
                ends[start] = Int32(index + 1)
                if flags[index].contains(.mayMoveEvents) { flags[start].insert(.mayMoveEvents) }
            case .claim(_, let count, _):
                if follows, tubes[index] == tubes[start] {
                    ends[start] = Int32(index + 1)
                    y[start] += Int64(count)
                    if flags[index].contains(.mayHoldBack) { flags[start].insert(.mayHoldBack) }
                } else {
                    start = index
                    y[start] = Int64(count)
                    ids[start] = Int64(slots.count)
                }
                slots.append(contentsOf: repeatElement(sessions[index], count: count))
            default:
                start = index
                deleted = [ids[index]]
            }
        }
    }

    /// The parameters of ``Statement/runBatch``.
    ///
    /// - Parameters:
    ///   - now: what time it is; none for the server's own clock.
    ///   - retention: for how many milliseconds keys of deleted tasks are kept.
    ///   - writes: whether what time has ended is to be written down.
    ///   - steady: the latest that it can be on the server, by this process's own clock.
    ///   - leftovers: holders that are gone and of which claims are still to be returned.
    /// - Returns: the parameters, in order.
    func parameters(
        at now: Timestamp?,
        retention: Int64,
        writes: Bool,
        steady: Int64,
        leftovers: [Int64]
    ) -> Parameters {
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(writes)
        parameters.add(now?.rawValue)
        parameters.add(retention)
        parameters.add(locksTubes)
        parameters.add(firstLock)
        parameters.add(kinds)
        parameters.add(ends)
        parameters.add(flags.map(\.rawValue))
        parameters.add(sessions)
        parameters.add(ids)
        parameters.add(tubes)
        parameters.add(x)
        parameters.add(y)
        parameters.add(z)
        parameters.add(words)
        parameters.add(bodies)
        parameters.add(slots)
        parameters.add(steady)
        parameters.add(isCareful)
        parameters.add(leftovers)
        return parameters
    }

    // What ``PlainBatch`` asks.

    /// The kind of an operation.
    func kind(of index: Int) -> Kind? { Kind(rawValue: kinds[index]) }

    /// Whether operations that are run together need nothing of what `run_plain_batch_2` leaves out.
    func isPlain(_ range: Range<Int>) -> Bool {
        let special: Flags = [.named, .makesTube, .mayBeHeldBack, .mayMoveEvents]
        return flags[range].allSatisfy { $0.isDisjoint(with: special) } && !tubes[range.lowerBound].contains(" ")
    }

    /// The parameters of ``Statement/runPlainBatch``, with the operations of each kind.
    func plainParameters(
        puts: Range<Int>?,
        deletes: Range<Int>?,
        claims: Range<Int>?,
        at now: Timestamp?
    ) -> Parameters {
        func first(_ range: Range<Int>?) -> Int32 { range.map { Int32($0.lowerBound + 1) } ?? 0 }
        let (put, deleted) = (puts ?? 0..<0, deletes ?? 0..<0)
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(now?.rawValue)
        parameters.add(first(puts))
        parameters.add(Array(tubes[put]))
        parameters.add(Array(x[put]))
        parameters.add(Array(z[put]))
        parameters.add(Array(bodies[put]))
        parameters.add(first(deletes))
        parameters.add(Array(ids[deleted]))
        parameters.add(Array(sessions[deleted]))
        parameters.add(first(claims))
        parameters.add(claims.map { tubes[$0.lowerBound] } ?? "")
        parameters.add(slots)
        return parameters
    }
}

extension Action {
    /// Whether it may be left for a later batch; the manager does not expect that of the others.
    var canBeHeldBack: Bool {
        switch self {
        case .refer, .expire, .giveBack, .giveBackAll, .takeUp, .clear: false
        default: true
        }
    }
}

extension TaskState {
    /// The number that the functions use for it.
    var number: Int64 {
        switch self {
        case .pending: 1
        case .delayed: 2
        case .claimed: 3
        case .buried: 4
        }
    }

    init?(number: Int64) {
        switch number {
        case 1: self = .pending
        case 2: self = .delayed
        case 3: self = .claimed
        case 4: self = .buried
        default: return nil
        }
    }
}
