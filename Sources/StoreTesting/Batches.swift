import TaskStore

let batchChecks: [StoreCheck] = [
    StoreCheck("batch: operations run in order and see those before") { scene in
        let session = try scene.manager().session()
        let task = NewTask(tube: .mail, priority: 1, delay: 0, timeToRun: 5, body: [1])
        let id = TaskID(rawValue: 1)
        let outcomes = try session.run(
            .put(task),
            .peekNext(.mail, .pending),
            .claim(tubes: [.mail], count: 1, waits: false),
            .release(id, priority: 2, delay: 0),
            .claimTask(id),
            .bury(id, priority: 3),
            .kickTask(id),
            .delete(id),
            .peek(id)
        )
        let claimed = Outcome.claimed([ClaimedTask(id: id, tube: .mail, timeToRun: 5, body: [1])])
        try require(
            outcomes,
            [
                .inserted(id), .found(id, body: [1]), claimed, .released, claimed, .buried, .kicked(1), .deleted,
                .notFound,
            ],
            "outcomes"
        )
    },
    StoreCheck("batch: an empty one is fine") { scene in
        let result = try scene.manager().run([])
        try require(result.needsDurability, false, "needs durability")
    },
    StoreCheck("batch: a large one", isLarge: true) { scene in
        let manager = try scene.manager()
        let sessions = (0..<100).map { _ in manager.session() }
        let task = NewTask(tube: .mail, priority: 1, delay: 0, timeToRun: 5, body: [UInt8](repeating: 1, count: 500))
        let puts = try manager.run((0..<5000).map { sessions[$0 % 100].wants(.put(task)) })
        try require(puts.outcomes, (1...5000).map { .inserted(TaskID(rawValue: $0)) }, "puts")
        let claim = Action.claim(tubes: [.mail], count: 1, waits: false)
        let claims = try manager.run((0..<5000).map { sessions[$0 % 100].wants(claim) })
        var next: Int64 = 1
        for outcome in claims.outcomes {
            guard case .claimed(let tasks) = outcome, let first = tasks.first else { throw failure("claimed") }
            try require(first.id.rawValue, next, "in order")
            next += 1
        }
        let deletes = try manager.run(
            (0..<5000).map { sessions[$0 % 100].wants(.delete(TaskID(rawValue: Int64($0 + 1)))) }
        )
        try require(deletes.outcomes, Array(repeating: .deleted, count: 5000), "deletes")
        try require(try sessions[0].tubes(), [.default], "nothing left")
    },
    StoreCheck("batch: claims of a session name it alone, also with the same number at another manager") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        try require(one.id.connection, two.id.connection, "the same number of connection")
        let id = try one.putAndClaim(.mail)
        try require(try two.run(.disconnect(releasing: .ownClaims)), [.disconnected(0)], "the other's end")
        try require(try two.run(.touch(id), .expire(id)), [.notFound, .notFound], "the other's words")
        try require(try one.state(id), .claimed, "still held")
    },
]
