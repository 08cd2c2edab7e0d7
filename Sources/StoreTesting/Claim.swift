import TaskStore

let claimChecks: [StoreCheck] = [
    StoreCheck("claim: smallest priority first, oldest first among equals") { scene in
        let session = try scene.manager().session()
        let ids = try [5, 3, 5, 4_294_967_295, 3, 0].map { try session.put(.mail, priority: $0) }
        let order = [ids[5], ids[1], ids[4], ids[0], ids[2], ids[3]]
        try require(try (0..<6).flatMap { _ in try session.claim(.mail) }, order, "one by one")
    },
    StoreCheck("claim: several at once come in the same order") { scene in
        let session = try scene.manager().session()
        let priorities: [UInt32] = [9, 2, 9, 7, 2, 0, 8, 8, 1, 2]
        let ids = try priorities.map { try session.put(.mail, priority: $0) }
        let order = zip(priorities, ids).sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.1)
        try require(try session.claim(.mail, count: 7), Array(order[..<7]), "seven")
        try require(try session.claim(.mail, count: 7), Array(order[7...]), "the rest")
        try require(try session.claim(.mail, count: 7), [], "nothing left")
    },
    StoreCheck("claim: the most urgent of all tubes, one by one and several") { scene in
        let session = try scene.manager().session()
        let tubes: [TubeName] = [.mail, .film, .news]
        let priorities: [UInt32] = [4, 4, 1, 3, 0, 9, 4, 2, 2]
        let ids = try priorities.enumerated().map { try session.put(tubes[$0 % 3], priority: $1) }
        let order = zip(priorities, ids).sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.1)
        try require(try session.claim(.news, .mail, .film), [order[0]], "first")
        try require(try session.claim(.mail, .film, .news, count: 5), Array(order[1..<6]), "next five")
        try require(try session.claim(.film, .news, .mail, count: 9), Array(order[6...]), "rest")
    },
    StoreCheck("claim: only out of the tubes named") { scene in
        let session = try scene.manager().session()
        try session.put(.film, priority: 0)
        let id = try session.put(.mail, priority: 9)
        try require(try session.claim(.mail, count: 5), [id], "mail alone")
        try require(try session.claim(.news), [], "a tube that does not exist")
    },
    StoreCheck("claim: a task goes to one session only") { scene in
        let sessions = try ["one", "two", "three"].map { try scene.manager($0).session() }
        let ids = try (0..<60).map { try sessions[$0 % 3].put(.mail) }
        var taken: [TaskID] = []
        for round in 0..<40 { taken += try sessions[round % 3].claim(.mail, count: 1 + round % 3) }
        try require(taken.sorted(), ids, "each exactly once")
    },
    StoreCheck("claim: many claims in one batch, mixed with puts, follow the order") { scene in
        let manager = try scene.manager()
        let sessions = (0..<30).map { _ in manager.session() }
        for priority in 0..<20 { try sessions[0].put(.mail, priority: UInt32(priority * 2)) }
        var operations: [TaskStore.Operation] = []
        for (index, session) in sessions.enumerated() {
            if index % 5 == 4 {
                let task = NewTask(tube: .mail, priority: UInt32(index * 2 + 1), delay: 0, timeToRun: 9, body: [])
                operations.append(session.wants(.put(task)))
            }
            operations.append(session.wants(.claim(tubes: [.mail], count: 1, waits: false)))
        }
        let outcomes = try manager.run(operations).outcomes
        var present = Set((0..<20).map { $0 * 2 })
        for (operation, outcome) in zip(operations, outcomes) {
            if case .put(let task) = operation.action {
                present.insert(Int(task.priority))
            } else if case .claimed(let tasks) = outcome {
                guard let first = tasks.first else {
                    try require(present.isEmpty, "nothing claimed while tasks are pending")
                    continue
                }
                let priority = Int(try sessions[0].statistics(first.id).priority)
                try require(priority, present.min() ?? -1, "the most urgent")
                present.remove(priority)
            }
        }
    },
    StoreCheck("claim: counts, and starts the time to run") { scene in
        let session = try scene.manager().session()
        let id = try session.put(.mail, priority: 5, timeToRun: 10)
        scene.pass(seconds: 3)
        try session.claim(.mail)
        scene.pass(seconds: 4)
        let statistics = try session.statistics(id)
        try require(statistics.state, .claimed, "state")
        try require(statistics.reserves, 1, "reserves")
        try require(statistics.timeLeft, 6000, "time left")
        try require(statistics.age, 7000, "age")
        try require(try session.statistics(.mail).counts, TaskCounts(claimed: 1), "counts")
    },
    StoreCheck("claim: waiting holds back the session's later operations, and no other session's") { scene in
        let manager = try scene.manager()
        let waiter = manager.session()
        let other = manager.session()
        let task = NewTask(tube: .film, priority: 0, delay: 0, timeToRun: 1, body: [])
        let outcomes =
            try manager.run([
                waiter.wants(.claim(tubes: [.mail], count: 1, waits: true)),
                waiter.wants(.put(task)),
                other.wants(.claim(tubes: [.mail], count: 1, waits: false)),
                other.wants(.put(task)),
                waiter.wants(.listTubes),
            ])
            .outcomes
        try require(outcomes[0], .claimed([]), "nothing there")
        try require(outcomes[1], .deferred, "the waiter's put")
        try require(outcomes[2], .claimed([]), "the other's claim")
        try require(outcomes[3], .inserted(TaskID(rawValue: 1)), "the other's put")
        try require(outcomes[4], .deferred, "the waiter's list")
        try require(try waiter.storeStatistics().totalTasks, 1, "the next batch runs again")
    },
    StoreCheck("claim: waiting for more than there is gives what there is") { scene in
        let session = try scene.manager().session()
        let id = try session.put(.mail)
        let outcomes = try session.run(.claim(tubes: [.mail], count: 3, waits: true), .listTubes)
        guard case .claimed(let tasks) = outcomes[0] else { throw failure("claimed") }
        try require(tasks.map(\.id), [id], "the one there was")
        try require(outcomes[1], .deferred, "held back")
    },
    StoreCheck("claim: one that gets all its tasks holds nothing back") { scene in
        let session = try scene.manager().session()
        try session.put(.mail)
        let outcomes = try session.run(.claim(tubes: [.mail], count: 1, waits: true), .listTubes)
        try require(outcomes[1] != .deferred, "not held back")
    },
    StoreCheck("claim: one that finds nothing needs no durability") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        let result = try manager.run([session.wants(.claim(tubes: [.mail], count: 1, waits: false))])
        try require(result.needsDurability, false, "needs durability")
    },
    StoreCheck("claim: a claimed task must survive a power failure as claimed") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        try session.put(.mail)
        let result = try manager.run([session.wants(.claim(tubes: [.mail], count: 1, waits: false))])
        try require(result.needsDurability, "needs durability")
    },
    StoreCheck("claim: sees what became pending earlier in the batch") { scene in
        let session = try scene.manager().session()
        let buried = try session.putAndBury(.mail)
        let held = try session.putAndClaim(.film)
        let look = Action.claim(tubes: [.mail, .film], count: 1, waits: false)
        let outcomes = try session.run(
            look,
            .kick(.mail, bound: 1),
            look,
            .release(held, priority: 0, delay: 0),
            look,
            look
        )
        func ids(_ index: Int) -> [TaskID]? {
            if case .claimed(let tasks) = outcomes[index] { tasks.map(\.id) } else { nil }
        }
        try require(ids(0), [], "nothing yet")
        try require(ids(2), [buried], "the kicked one")
        try require(ids(4), [held], "the released one")
        try require(ids(5), [], "nothing any more")
    },
]

let claimTaskChecks: [StoreCheck] = [
    StoreCheck("claimTask: takes a pending, a delayed, a buried task") { scene in
        let session = try scene.manager().session()
        let ids = [try session.put(.mail, "a"), try session.put(.mail, delay: 9), try session.putAndBury(.mail)]
        for id in ids {
            guard case .claimed(let tasks)? = try session.run(.claimTask(id)).first else {
                throw failure("claims \(id)")
            }
            try require(tasks.map(\.id), [id], "the task")
            try require(try session.state(id), .claimed, "state")
        }
        try require(try session.statistics(.mail).counts, TaskCounts(claimed: 3), "counts")
        try require(try session.statistics(ids[2]).reserves, 2, "reserves of the buried one")
    },
    StoreCheck("claimTask: takes no task that any session holds, and none that is gone") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.putAndClaim(.mail)
        try require(try one.run(.claimTask(id)), [.notFound], "by its holder")
        try require(try two.run(.claimTask(id)), [.notFound], "by another")
        try require(try two.run(.claimTask(TaskID(rawValue: 99))), [.notFound], "unknown")
    },
    StoreCheck("claimTask: a pause does not matter") { scene in
        let session = try scene.manager().session()
        let id = try session.put(.mail)
        try session.run(.pause(.mail, seconds: 60))
        guard case .claimed(let tasks)? = try session.run(.claimTask(id)).first else { throw failure("claims") }
        try require(tasks.map(\.id), [id], "the task")
    },
]
