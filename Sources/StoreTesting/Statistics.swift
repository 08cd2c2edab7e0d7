import TaskStore

let statisticsChecks: [StoreCheck] = [
    StoreCheck("statistics: of a task through its life") { scene in
        let session = try scene.manager().session()
        let id = try session.put(.mail, priority: 8, delay: 5, timeToRun: 20)
        scene.pass(seconds: 2)
        var expected = TaskStatistics(
            id: id,
            tube: .mail,
            state: .delayed,
            priority: 8,
            age: 2000,
            delay: 5,
            timeToRun: 20,
            timeLeft: 3000,
            reserves: 0,
            timeouts: 0,
            releases: 0,
            buries: 0,
            kicks: 0
        )
        try require(try session.statistics(id), expected, "delayed")

        scene.pass(seconds: 3)
        (expected.state, expected.age, expected.timeLeft) = (.pending, 5000, 0)
        try require(try session.statistics(id), expected, "pending")

        try session.claim(.mail)
        scene.pass(seconds: 30)
        (expected.state, expected.age, expected.timeLeft, expected.reserves) = (.claimed, 35_000, -10_000, 1)
        try require(try session.statistics(id), expected, "claimed and overdue")

        try session.run(.expire(id), .claimTask(id), .release(id, priority: 9, delay: 0), .claimTask(id))
        try session.run(.bury(id, priority: 10))
        (expected.state, expected.timeLeft, expected.priority, expected.delay) = (.buried, 0, 10, 0)
        (expected.reserves, expected.timeouts, expected.releases, expected.buries) = (3, 1, 1, 1)
        try require(try session.statistics(id), expected, "buried")

        try session.run(.kickTask(id))
        (expected.state, expected.kicks) = (.pending, 1)
        try require(try session.statistics(id), expected, "kicked")
        try require(try scene.manager("two").session().statistics(id), expected, "at another manager")
    },
    StoreCheck("statistics: of a tube, the same through any manager") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        try one.run(.countUse(.mail, using: 1, watching: 1))
        try two.run(.countUse(.mail, using: 0, watching: 1))
        try one.put(.mail, priority: 5)
        try two.put(.mail)
        try one.put(.mail, delay: 9)
        _ = try two.putAndBury(.mail)
        try require(try one.run(.delete(try one.putAndClaim(.mail))), [.deleted], "deleted")
        _ = try two.putAndClaim(.mail)
        try one.run(.pause(.mail, seconds: 3))

        var expected = TubeStatistics(name: .mail)
        expected.counts = TaskCounts(pending: 2, urgent: 1, claimed: 1, delayed: 1, buried: 1)
        (expected.totalTasks, expected.deletes, expected.pauses) = (6, 1, 1)
        (expected.using, expected.watching) = (1, 2)
        (expected.pause, expected.pauseTimeLeft) = (3, 3000)
        try require(try one.statistics(.mail), expected, "at one")
        try require(try two.statistics(.mail), expected, "at two")
    },
    StoreCheck("statistics: of a tube count what came earlier in the batch") { scene in
        let session = try scene.manager().session()
        let task = NewTask(tube: .mail, priority: 1, delay: 0, timeToRun: 1, body: [])
        let outcomes = try session.run(
            .countUse(.mail, using: 1, watching: 0),
            .put(task),
            .tubeStatistics(.mail),
            .claim(tubes: [.mail], count: 1, waits: false),
            .tubeStatistics(.mail),
            .storeStatistics
        )
        guard case .tube(let first) = outcomes[2], case .tube(let second) = outcomes[4],
            case .store(let all) = outcomes[5]
        else { throw failure("statistics") }
        try require(first.counts, TaskCounts(pending: 1, urgent: 1), "after the put")
        try require(first.using, 1, "using")
        try require(second.counts, TaskCounts(claimed: 1), "after the claim")
        try require(all, StoreStatistics(counts: TaskCounts(claimed: 1), totalTasks: 1, tubes: 2), "of the store")
    },
    StoreCheck("statistics: of the store add all tubes up") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        try require(
            try one.storeStatistics(),
            StoreStatistics(counts: TaskCounts(), totalTasks: 0, tubes: 1),
            "empty"
        )
        try one.put(.mail, priority: 1)
        try two.put(.film)
        try one.put(.film, delay: 5)
        _ = try two.putAndBury(.news)
        _ = try two.putAndClaim(.news)
        try require(try one.run(.delete(try one.putAndClaim(.default))), [.deleted], "deleted")
        let counts = TaskCounts(pending: 2, urgent: 1, claimed: 1, delayed: 1, buried: 1)
        try require(try one.storeStatistics(), StoreStatistics(counts: counts, totalTasks: 6, tubes: 4), "full")
    },
    StoreCheck("statistics: a task or tube that does not exist is not found") { scene in
        let session = try scene.manager().session()
        try require(
            try session.run(.taskStatistics(TaskID(rawValue: 1)), .tubeStatistics(.mail)),
            [.notFound, .notFound],
            "not found"
        )
    },
]
