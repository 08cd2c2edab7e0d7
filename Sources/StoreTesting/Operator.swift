import TaskStore

extension SessionName {
    fileprivate static let worker = SessionName("worker")
}

extension Session {
    /// Attaches the named session "worker".
    ///
    /// - Returns: its number.
    fileprivate func attachWorker() throws -> Int64 {
        guard let name = SessionName.worker else { throw failure("a session's name") }
        try run(.attach(name))
        let id = try putAndClaim(.named("mark"))
        guard case .inspected(.task(let task))? = try run(.inspect(.task(id, withBody: false))).first,
            let holder = task.holder
        else { throw failure("a claimed task has a holder") }
        try require(holder.isNamed, "the holder is the named session")
        try require(try run(.delete(id)), [.deleted], "by its holder")
        return holder.session
    }
}

let operatorChecks: [StoreCheck] = [
    StoreCheck("breakClaim: any session's claim, and nothing else") { scene in
        let holder = try scene.manager("one").session()
        let other = try scene.manager("two").session()
        let claimed = try holder.putAndClaim(.mail)
        let buried = try holder.putAndBury(.mail)
        try require(
            try other.run(.breakClaim(claimed), .breakClaim(claimed), .breakClaim(buried)),
            [.broken, .notFound, .notFound],
            "once, and only a claimed one"
        )
        try require(
            try holder.run(.touch(claimed), .release(claimed, priority: 0, delay: 0)),
            [.notFound, .notFound],
            "lost"
        )
        let statistics = try other.statistics(claimed)
        try require([statistics.releases, statistics.timeouts, statistics.reserves], [0, 0, 1], "no counter grows")
        try require(try other.claim(.mail), [claimed], "pending again")
        try require(try other.statistics(.mail).counts, TaskCounts(claimed: 1, buried: 1), "counts")
    },
    StoreCheck("endSession: its claims are pending, and its connection is superseded") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let number = try one.attachWorker()
        let id = try one.putAndClaim(.mail)
        try require(try two.run(.endSession(number + 1)), [.notFound], "no such session")
        try require(try two.run(.endSession(number)), [.ended(1)], "ended")
        try require(try two.run(.endSession(number)), [.notFound], "once")
        try require(try one.run(.delete(id)), [.superseded], "superseded")
        try require(try two.claim(.mail), [id], "pending again")
    },
    StoreCheck("endSession: a session of the same manager, of which the connection waits") { scene in
        let manager = try scene.manager()
        let (one, two) = (manager.session(), manager.session())
        let number = try one.attachWorker()
        try require(try one.run(.claim(tubes: [.mail], count: 1, waits: true)), [.claimed([])], "waits")
        try require(try two.run(.endSession(number)), [.ended(0)], "ended")
        try require(try one.run(.claim(tubes: [.mail], count: 1, waits: true)), [.superseded], "superseded")
        try require(try one.attachWorker() != number, "another session of the same name")
    },
    StoreCheck("endSession: in steps", isLarge: true) { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let number = try one.attachWorker()
        for _ in 0..<15 {
            let task = NewTask(tube: .mail, priority: 1, delay: 0, timeToRun: 60, body: [])
            _ = try one.manager.run((0..<100).map { _ in one.wants(.put(task)) })
        }
        try require(try one.claimed([.mail], count: 1500).count, 1500, "claimed")
        try require(try two.run(.endSession(number)), [.ended(Batch.mostRows)], "the first step")
        try require(try one.run(.claim(tubes: [.mail], count: 1, waits: false)), [.superseded], "superseded at once")
        try require(try two.run(.endSession(number)), [.ended(500)], "the last step")
        try require(try two.run(.endSession(number)), [.notFound], "ended")
        try require(try two.statistics(.mail).counts.pending, 1500, "pending")
    },
    StoreCheck("moveTask: each state but claimed, with the order in the new tube") { scene in
        let session = try scene.manager().session()
        let pending = try session.put(.mail, priority: 5)
        let delayed = try session.put(.mail, delay: 90)
        let buried = try session.putAndBury(.mail)
        let claimed = try session.putAndClaim(.mail)
        let last = try session.putAndBury(.film)
        try require(
            try session.run(
                .moveTask(pending, to: .film),
                .moveTask(delayed, to: .film),
                .moveTask(buried, to: .film),
                .moveTask(claimed, to: .film),
                .moveTask(TaskID(rawValue: 99), to: .news)
            ),
            [.moved(1), .moved(1), .moved(1), .notFound, .notFound],
            "moved"
        )
        try require(try session.tubes(), [.default, .mail, .film], "no tube is made for nothing")
        try require(try session.statistics(.mail).counts, TaskCounts(claimed: 1), "the former tube")
        try require(
            try session.statistics(.film).counts,
            TaskCounts(pending: 1, urgent: 1, delayed: 1, buried: 2),
            "the tube"
        )
        try require(try session.run(.kick(.film, bound: 1)), [.kicked(1)], "kick")
        try require(try session.state(last), .pending, "the one that was buried there before")
        try require(try session.claim(.film), [pending], "claimed there")
        scene.pass(seconds: 90)
        try require(try session.claim(.film), [delayed], "its delay is over")
        try require(try session.claim(.film), [last], "by its priority and id")
    },
    StoreCheck("moveTask: the tube is made, the former one removed, and its own tube changes nothing") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.put(.mail)
        try require(try two.run(.moveTask(id, to: .mail)), [.moved(1)], "its own tube")
        try require(try two.run(.moveTask(id, to: .news)), [.moved(1)], "another one")
        try require(try one.tubes(), [.default, .news], "tubes")
        try require(try one.run(.delete(id)), [.deleted], "deleted")
        try require(try one.tubes(), [.default], "tubes")
    },
    StoreCheck("moveTask: a batch moves and claims it, and a key keeps its tube") { scene in
        let session = try scene.manager().session()
        guard let key = UniqueKey("key") else { throw failure("a key") }
        let task = NewTask(tube: .mail, priority: 1, delay: 0, timeToRun: 60, body: [], key: key)
        guard case .inserted(let id)? = try session.run(.put(task)).first else { throw failure("a put inserts") }
        let outcomes = try session.run(
            .moveTask(id, to: .film),
            .claim(tubes: [.film], count: 1, waits: false),
            .put(task)
        )
        try require(outcomes.first, .moved(1), "moved")
        guard case .claimed(let claimed)? = outcomes.dropFirst().first else { throw failure("a claim") }
        try require(claimed.map(\.id), [id], "claimed in its new tube")
        try require(outcomes.last, .exists(id), "the key of the tube of the put")
        try require(try session.run(.delete(id), .put(task)), [.deleted, .exists(id)], "the key is kept")
    },
    StoreCheck("moveTasks: up to a limit, the first ones first") { scene in
        let session = try scene.manager().session()
        let ids = try (0..<5).map { try session.put(.mail, priority: UInt32(10 - $0)) }
        let buried = try (0..<3).map { _ in try session.putAndBury(.mail) }
        func move(_ state: TaskState, limit: Int) throws -> [Outcome] {
            try session.run(.moveTasks(from: .mail, to: .film, state, limit: limit))
        }
        try require(try move(.pending, limit: 2), [.moved(2)], "two")
        try require(try session.claim(.film, count: 9), [ids[4], ids[3]], "the most urgent ones")
        try require(try move(.buried, limit: 9), [.moved(3)], "all")
        try require(try session.run(.kick(.film, bound: 1)), [.kicked(1)], "kick")
        try require(try session.state(buried[0]), .pending, "in their order")
        try require(try move(.delayed, limit: 9), [.moved(0)], "none")
        try require(try move(.claimed, limit: 9), [.notFound], "claimed tasks stay")
        try require(
            try session.run(.moveTasks(from: .mail, to: .mail, .pending, limit: 9)),
            [.moved(0)],
            "the same tube"
        )
        try require(try session.run(.moveTasks(from: .news, to: .mail, .pending, limit: 9)), [.notFound], "no tube")
        try require(try move(.pending, limit: 9), [.moved(3)], "the rest")
        try require(try session.tubes(), [.default, .film], "an unused tube is removed")
        try require(try move(.pending, limit: 9), [.notFound], "it is gone")
    },
    StoreCheck("editTask: priority and time to run in each state but claimed") { scene in
        let session = try scene.manager().session()
        let pending = try session.put(.mail, priority: 9)
        let delayed = try session.put(.mail, priority: 9, delay: 50)
        let buried = try session.putAndBury(.mail, priority: 9)
        let claimed = try session.putAndClaim(.mail)
        let edit = TaskEdit(priority: 4000, timeToRun: 0)
        try require(
            try session.run(
                .editTask(pending, edit),
                .editTask(delayed, edit),
                .editTask(buried, edit),
                .editTask(claimed, edit),
                .editTask(TaskID(rawValue: 99), edit)
            ),
            [.edited, .edited, .edited, .notFound, .notFound],
            "edited"
        )
        for id in [pending, delayed, buried] {
            let statistics = try session.statistics(id)
            try require([statistics.priority, statistics.timeToRun], [4000, 1], "values")
        }
        try require(try session.statistics(delayed).timeLeft, 50_000, "the delay stays")
        try require(
            try session.statistics(.mail).counts,
            TaskCounts(pending: 1, claimed: 1, delayed: 1, buried: 1),
            "none is urgent any more"
        )
    },
    StoreCheck("editTask: a delay makes a pending task delayed, and 0 makes a delayed one pending") { scene in
        let session = try scene.manager().session()
        let pending = try session.put(.mail)
        let delayed = try session.put(.mail, delay: 50)
        let buried = try session.putAndBury(.mail)
        try require(
            try session.run(
                .editTask(pending, TaskEdit(delay: 7)),
                .editTask(delayed, TaskEdit(priority: 1, delay: 0)),
                .editTask(buried, TaskEdit(priority: 1, delay: 0))
            ),
            [.edited, .edited, .notFound],
            "a buried task has no delay"
        )
        try require(try session.statistics(buried).priority, 2000, "nothing of it was changed")
        try require(try session.statistics(pending).delay, 7, "delay")
        try require(try session.statistics(delayed).kicks, 0, "no kick")
        try require(try session.claim(.mail, count: 2), [delayed], "pending")
        scene.pass(seconds: 7)
        try require(try session.claim(.mail, count: 2), [pending], "its delay is over")
    },
    StoreCheck("editTask and moveTask: in one batch with claims of the same tasks") { scene in
        let session = try scene.manager().session()
        let ids = try (0..<4).map { _ in try session.put(.mail, priority: 2000) }
        let claim = Action.claim(tubes: [.mail], count: 1, waits: false)
        let outcomes = try session.run(
            claim,
            .editTask(ids[3], TaskEdit(priority: 1)),
            claim,
            .moveTask(ids[1], to: .film),
            .editTask(ids[2], TaskEdit(delay: 5)),
            claim
        )
        func claimed(_ index: Int) -> [TaskID] {
            if case .claimed(let tasks) = outcomes[index] { tasks.map(\.id) } else { [] }
        }
        try require([claimed(0), claimed(2), claimed(5)], [[ids[0]], [ids[3]], []], "each claim sees what was done")
    },
    StoreCheck("setDraining: all managers of a name learn it") { scene in
        let one = try scene.manager("one")
        let two = try scene.manager("two")
        try require(try one.session().run(.setDraining(manager: "three", true)), [.notFound], "no such manager")
        try require(try one.session().run(.setDraining(manager: "two", true)), [.drainingSet], "told")
        try require(try two.store.maintain(at: scene.now).isToldToDrain, true, "the one")
        try require(try one.store.maintain(at: scene.now).isToldToDrain, false, "not the other")
        try require(try two.session().run(.setDraining(manager: "two", false)), [.drainingSet], "told")
        try require(try two.store.maintain(at: scene.now).isToldToDrain, false, "serving")
        try require(try two.store.maintain(at: scene.now).managers?.values.sorted(), ["one", "two"], "names")
    },
]
