import TaskStore

let buryChecks: [StoreCheck] = [
    StoreCheck("bury: set aside, with the new priority") { scene in
        let session = try scene.manager().session()
        let id = try session.putAndClaim(.mail)
        try require(try session.run(.bury(id, priority: 9)), [.buried], "buried")
        let statistics = try session.statistics(id)
        try require(statistics.state, .buried, "state")
        try require(statistics.priority, 9, "priority")
        try require(statistics.buries, 1, "buries")
        try require(statistics.timeLeft, 0, "time left")
        try require(try session.statistics(.mail).counts, TaskCounts(buried: 1), "counts")
        try require(try session.claim(.mail), [], "not claimable")
    },
    StoreCheck("bury: only the holder can, and only once") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.putAndClaim(.mail)
        try require(try two.run(.bury(id, priority: 0)), [.notFound], "another")
        try require(
            try one.run(.bury(id, priority: 0), .bury(id, priority: 0)),
            [.buried, .notFound],
            "the holder, twice"
        )
    },
]

let touchChecks: [StoreCheck] = [
    StoreCheck("touch: starts the claim again") { scene in
        let session = try scene.manager().session()
        let id = try session.putAndClaim(.mail, timeToRun: 10)
        scene.pass(seconds: 4)
        try require(try session.statistics(id).timeLeft, 6000, "before")
        try require(try session.run(.touch(id)), [.touched], "touched")
        try require(try session.statistics(id).timeLeft, 10_000, "after")
    },
    StoreCheck("touch: only the holder can") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.putAndClaim(.mail)
        let pending = try one.put(.mail)
        try require(try two.run(.touch(id)), [.notFound], "another")
        try require(try one.run(.touch(pending)), [.notFound], "a task that is not claimed")
        try require(try one.run(.touch(TaskID(rawValue: 99))), [.notFound], "unknown")
    },
]

let expireChecks: [StoreCheck] = [
    StoreCheck("expire: pending again, with one timeout more") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.putAndClaim(.mail, priority: 5, timeToRun: 2)
        scene.pass(seconds: 2)
        try require(try one.run(.expire(id)), [.released], "expired")
        let statistics = try two.statistics(id)
        try require(statistics.state, .pending, "state")
        try require(statistics.priority, 5, "priority stays")
        try require(statistics.timeouts, 1, "timeouts")
        try require(statistics.releases, 0, "releases")
        try require(try two.statistics(.mail).counts, TaskCounts(pending: 1, urgent: 1), "counts")
    },
    StoreCheck("expire: too late if the session does not hold it any more") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.putAndClaim(.mail)
        try one.run(.release(id, priority: 1, delay: 0))
        try require(try two.claim(.mail), [id], "now the other's")
        try require(try one.run(.expire(id)), [.notFound], "expired")
        try require(try two.state(id), .claimed, "still the other's")
    },
    StoreCheck("expire: afterwards the holder has lost it") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.putAndClaim(.mail)
        try one.run(.expire(id))
        try require(try two.claim(.mail), [id], "claimed by another")
        let late: [Outcome] = try one.run(
            .delete(id),
            .release(id, priority: 0, delay: 0),
            .bury(id, priority: 0),
            .touch(id)
        )
        try require(late, [.notFound, .notFound, .notFound, .notFound], "the late words of the first")
        try require(try two.run(.delete(id)), [.deleted], "the second")
    },
]
