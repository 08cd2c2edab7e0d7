import TaskStore

let releaseChecks: [StoreCheck] = [
    StoreCheck("release: pending again, with the new priority") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.putAndClaim(.mail, priority: 5000)
        let other = try one.put(.mail, priority: 3000)
        try require(try one.run(.release(id, priority: 7, delay: 0)), [.released], "released")
        let statistics = try two.statistics(id)
        try require(statistics.state, .pending, "state")
        try require(statistics.priority, 7, "priority")
        try require(statistics.releases, 1, "releases")
        try require(statistics.timeLeft, 0, "time left")
        try require(try two.statistics(.mail).counts, TaskCounts(pending: 2, urgent: 1), "counts")
        try require(try two.claim(.mail, count: 2), [id, other], "order")
        try require(try two.statistics(id).reserves, 2, "reserves")
    },
    StoreCheck("release: with a delay it is delayed, and pending when that ends") { scene in
        let session = try scene.manager().session()
        let id = try session.putAndClaim(.mail)
        try require(try session.run(.release(id, priority: 3, delay: 5)), [.released], "released")
        let statistics = try session.statistics(id)
        try require(statistics.state, .delayed, "state")
        try require(statistics.delay, 5, "delay")
        try require(statistics.timeLeft, 5000, "time left")
        try require(try session.statistics(.mail).counts, TaskCounts(delayed: 1), "counts")
        try require(try session.claim(.mail), [], "not yet")
        scene.pass(seconds: 5)
        try require(try session.claim(.mail), [id], "then")
    },
    StoreCheck("release: only the holder can, and only once") { scene in
        let manager = try scene.manager("one")
        let holder = manager.session()
        let id = try holder.putAndClaim(.mail)
        let release = Action.release(id, priority: 1, delay: 0)
        try require(try manager.session().run(release), [.notFound], "another of the same manager")
        try require(try scene.manager("two").session().run(release), [.notFound], "one of another manager")
        try require(try holder.run(release, release), [.released, .notFound], "the holder, twice")
        try require(try holder.run(.release(TaskID(rawValue: 99), priority: 1, delay: 0)), [.notFound], "unknown")
    },
    StoreCheck("disconnect: ends all claims of the session and of no other") { scene in
        let manager = try scene.manager()
        let closing = manager.session()
        let other = manager.session()
        let mine = [try closing.putAndClaim(.mail, priority: 1), try closing.putAndClaim(.film, priority: 2000)]
        let others = try other.putAndClaim(.mail)
        try require(try closing.run(.disconnect(releasing: .ownClaims)), [.disconnected(2)], "released")
        for id in mine {
            let statistics = try other.statistics(id)
            try require(statistics.state, .pending, "state")
            try require(statistics.releases + statistics.timeouts, 0, "neither released nor timed out")
        }
        try require(try other.state(others), .claimed, "the other's")
        try require(try other.statistics(.mail).counts, TaskCounts(pending: 1, urgent: 1, claimed: 1), "counts")
        try require(try closing.run(.disconnect(releasing: .ownClaims)), [.disconnected(0)], "nothing more")
        try require(try closing.run(.delete(others)), [.notFound], "still not the other's holder")
    },
]
