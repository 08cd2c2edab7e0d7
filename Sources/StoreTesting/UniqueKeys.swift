import TaskStore

extension Session {
    /// Puts a task with a key.
    fileprivate func put(_ key: String, _ tube: TubeName = .mail) throws -> Outcome {
        guard let key = UniqueKey(key) else { throw failure("\(key) is a key") }
        let task = NewTask(tube: tube, priority: 1, delay: 0, timeToRun: 60, body: [], key: key)
        guard let outcome = try run(.put(task)).first else { throw failure("a put has an outcome") }
        return outcome
    }

    /// Puts a task with a new key.
    fileprivate func insert(_ key: String, _ tube: TubeName = .mail) throws -> TaskID {
        guard case .inserted(let id) = try put(key, tube) else { throw failure("\(key) is new in \(tube)") }
        return id
    }
}

let uniqueKeyChecks: [StoreCheck] = [
    StoreCheck("unique: the same key is put once, through any manager") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.insert("a")
        try require(try two.put("a"), .exists(id), "at the other")
        try require(try one.put("a"), .exists(id), "at the same")
        try require(try one.statistics(.mail).counts.pending, 1, "one task")
    },
    StoreCheck("unique: other keys and other tubes are others") { scene in
        let session = try scene.manager().session()
        let id = try session.insert("a")
        try require(try session.insert("b") != id, "another key")
        try require(try session.insert("a", .film) != id, "another tube")
        try require(try session.put("a"), .exists(id), "the first is still known")
    },
    StoreCheck("unique: twice in one batch") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        guard let key = UniqueKey("a") else { throw failure("a is a key") }
        let task = NewTask(tube: .mail, priority: 1, delay: 0, timeToRun: 60, body: [], key: key)
        let put = Action.put(task)
        let outcomes = try manager.run([session.wants(put), manager.session().wants(put)]).outcomes
        guard case .inserted(let id) = outcomes[0] else { throw failure("the first is inserted") }
        try require(outcomes[1], .exists(id), "the second is not")
    },
    StoreCheck("unique: an answer that it exists makes the first put durable") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        _ = try session.insert("a")
        guard let key = UniqueKey("a") else { throw failure("a is a key") }
        let task = NewTask(tube: .mail, priority: 1, delay: 0, timeToRun: 60, body: [], key: key)
        try require(try manager.run([session.wants(.put(task))]).needsDurability, true, "durable")
    },
    StoreCheck("unique: a key is kept for an hour after its task was deleted, however long that lived") { scene in
        let session = try scene.manager().session()
        let id = try session.insert("a")
        scene.pass(seconds: 10_000)
        try require(try session.put("a"), .exists(id), "alive")
        try require(try session.run(.delete(id)), [.deleted], "deleted")
        scene.pass(seconds: 3599)
        try require(try session.put("a"), .exists(id), "remembered")
        scene.pass(seconds: 2)
        try require(try session.insert("a") > id, "forgotten")
    },
    StoreCheck("unique: the tube may vanish in between") { scene in
        let session = try scene.manager().session()
        let id = try session.insert("a")
        try require(try session.run(.delete(id)), [.deleted], "deleted")
        try require(try session.tubes(), [.default], "the tube is gone")
        try require(try session.put("a"), .exists(id), "the key is not")
    },
    StoreCheck("unique: clearing a tube keeps the keys") { scene in
        let session = try scene.manager().session()
        let id = try session.insert("a")
        try require(try session.run(.clear(.mail, .pending, limit: 10)), [.cleared(1)], "cleared")
        try require(try session.put("a"), .exists(id), "remembered")
    },
]

let clearChecks: [StoreCheck] = [
    StoreCheck("clear: deletes what is in the state, and nothing else") { scene in
        let session = try scene.manager().session()
        let claimed = try session.putAndClaim(.mail)
        let pending = try (0..<3).map { _ in try session.put(.mail, priority: 5) }
        let delayed = try session.put(.mail, delay: 100)
        let buried = try session.putAndBury(.mail)
        let other = try session.put(.film)
        try require(try session.run(.clear(.mail, .pending, limit: 100)), [.cleared(3)], "pending")
        for id in pending { try require(try session.state(id), nil, "gone") }
        let left = TaskCounts(claimed: 1, delayed: 1, buried: 1)
        try require(try session.statistics(.mail).counts, left, "the others are left")
        try require(try session.run(.clear(.mail, .delayed, limit: 100)), [.cleared(1)], "delayed")
        try require(try session.run(.clear(.mail, .buried, limit: 100)), [.cleared(1)], "buried")
        for id in [delayed, buried] { try require(try session.state(id), nil, "gone") }
        try require(try session.statistics(.mail).deletes, 5, "deletes")
        try require(try session.run(.delete(claimed), .peek(other)), [.deleted, .found(other, body: [])], "kept")
    },
    StoreCheck("clear: in steps, until fewer than asked for are left") { scene in
        let session = try scene.manager().session()
        for _ in 0..<5 { try session.put(.mail) }
        let clear = Action.clear(.mail, .pending, limit: 2)
        try session.run(.countUse(.mail, using: 1, watching: 0))
        try require(
            try session.run(clear, clear, clear, clear),
            [.cleared(2), .cleared(2), .cleared(1), .cleared(0)],
            "steps"
        )
    },
    StoreCheck("clear: a tube that does not exist is not found, and claims cannot be cleared") { scene in
        let session = try scene.manager().session()
        try require(try session.run(.clear(.mail, .pending, limit: 1)), [.notFound], "no tube")
        let id = try session.putAndClaim(.mail)
        try require(try session.run(.clear(.mail, .claimed, limit: 1)), [.notFound], "claimed")
        try require(try session.state(id), .claimed, "still there")
    },
    StoreCheck("clear: the next claim finds nothing, within the batch too") { scene in
        let session = try scene.manager().session()
        for _ in 0..<3 { try session.put(.mail) }
        let claim = Action.claim(tubes: [.mail], count: 1, waits: false)
        let outcomes = try session.run(claim, .clear(.mail, .pending, limit: 9), claim)
        try require(Array(outcomes.dropFirst()), [.cleared(2), .claimed([])], "empty")
    },
    StoreCheck("statistics: the age of a tube's oldest pending task, of any priority") { scene in
        let session = try scene.manager().session()
        let oldest = try session.put(.mail, priority: 9)
        scene.pass(seconds: 10)
        try session.put(.mail, priority: 1)
        scene.pass(seconds: 5)
        try require(try session.statistics(.mail).oldestPendingAge, 15_000, "the oldest")
        try require(try session.run(.claimTask(oldest)).count, 1, "claimed")
        try require(try session.statistics(.mail).oldestPendingAge, 5000, "the next")
        try session.claim(.mail)
        try require(try session.statistics(.mail).oldestPendingAge, 0, "none")
    },
]
