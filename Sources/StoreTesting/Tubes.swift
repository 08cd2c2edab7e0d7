import TaskStore

let tubeChecks: [StoreCheck] = [
    StoreCheck("tubes: default is always there") { scene in
        let session = try scene.manager().session()
        try require(try session.tubes(), [.default], "at first")
        try session.run(.countUse(.default, using: 1, watching: 1))
        try session.run(.countUse(.default, using: -1, watching: -1))
        try require(try session.run(.delete(try session.put(.default))), [.deleted], "deleted")
        try require(try session.tubes(), [.default], "unused and empty")
    },
    StoreCheck("tubes: listed in the order in which they were made") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        try one.put(.news)
        try two.run(.countUse(.film, using: 1, watching: 0))
        try one.put(.mail)
        try require(try two.tubes(), [.default, .news, .film, .mail], "order")
    },
    StoreCheck("tubes: when one goes, the last takes its place") { scene in
        let session = try scene.manager().session()
        for tube in [TubeName.mail, .film, .news] { try session.run(.countUse(tube, using: 1, watching: 0)) }
        try session.run(.countUse(.mail, using: -1, watching: 0))
        try require(try session.tubes(), [.default, .news, .film], "after the first went")
        try session.run(.countUse(.film, using: -1, watching: 0))
        try require(try session.tubes(), [.default, .news], "after the last went")
        try session.run(.countUse(.mail, using: 0, watching: 1))
        try require(try session.tubes(), [.default, .news, .mail], "after it came again")
    },
    StoreCheck("tubes: one stays while it has a task in any state") { scene in
        let session = try scene.manager().session()
        let ids = [
            try session.put(.mail), try session.putAndBury(.mail), try session.put(.mail, delay: 5),
            try session.putAndClaim(.mail),
        ]
        for id in ids {
            try require(try session.tubes(), [.default, .mail], "before the last task went")
            try session.run(.delete(id))
        }
        try require(try session.tubes(), [.default], "after the last task went")
    },
    StoreCheck("tubes: one stays while a connection of any manager uses or watches it") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        try one.run(.countUse(.mail, using: 1, watching: 0))
        try two.run(.countUse(.mail, using: 0, watching: 1))
        try one.run(.countUse(.mail, using: -1, watching: 0))
        try require(try one.run(.delete(try one.put(.mail))), [.deleted], "deleted")
        try require(try one.tubes(), [.default, .mail], "watched at two")
        try two.run(.countUse(.mail, using: 0, watching: -1))
        try require(try one.tubes(), [.default], "without a connection")
    },
    StoreCheck("tubes: each connection counts") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        let other = manager.session()
        try session.run(.countUse(.mail, using: 1, watching: 1))
        try other.run(.countUse(.mail, using: 1, watching: 0))
        try session.run(.countUse(.mail, using: -1, watching: -1))
        let statistics = try other.statistics(.mail)
        try require([statistics.using, statistics.watching], [1, 0], "users and watchers")
    },
    StoreCheck("tubes: come and go at their point in the batch") { scene in
        let session = try scene.manager().session()
        let outcomes = try session.run(
            .countUse(.mail, using: 1, watching: 0),
            .listTubes,
            .countUse(.mail, using: -1, watching: 0),
            .listTubes,
            .tubeStatistics(.mail)
        )
        try require(outcomes[1], .tubes([.default, .mail]), "while it is used")
        try require(outcomes[3], .tubes([.default]), "afterwards")
        try require(outcomes[4], .notFound, "its statistics")
    },
    StoreCheck("tubes: one that is made again starts its counters at zero") { scene in
        let session = try scene.manager().session()
        let task = NewTask(tube: .mail, priority: 1, delay: 0, timeToRun: 1, body: [])
        try session.run(.delete(try session.put(.mail)))
        try session.put(.mail)
        var statistics = try session.statistics(.mail)
        try require([statistics.totalTasks, statistics.deletes], [1, 0], "in another batch")
        let outcomes = try session.run(.delete(TaskID(rawValue: 2)), .put(task), .tubeStatistics(.mail))
        guard case .tube(let inBatch) = outcomes[2] else { throw failure("statistics") }
        statistics = inBatch
        try require([statistics.totalTasks, statistics.deletes], [1, 0], "in the same batch")
    },
    StoreCheck("tubes: a pause goes with its tube") { scene in
        let session = try scene.manager().session()
        let id = try session.put(.mail)
        try session.run(.pause(.mail, seconds: 60), .delete(id))
        let next = try session.put(.mail)
        try require(try session.claim(.mail), [next], "the new tube is not paused")
    },
    StoreCheck("tubes: many at once") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let names = (0..<200).map { TubeName.named("tube-\($0)") }
        for name in names { try one.put(name, priority: 5) }
        try require(try two.tubes(), [.default] + names, "all")
        let claimed = try two.claimed(names, count: 300)
        try require(claimed.map(\.tube), names, "one of each, the oldest first")
        for task in claimed { try require(try two.run(.delete(task.id)), [.deleted], "deleted") }
        try require(try one.tubes(), [.default], "none left")
    },
]
