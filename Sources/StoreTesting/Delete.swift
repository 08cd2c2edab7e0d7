import TaskStore

let deleteChecks: [StoreCheck] = [
    StoreCheck("delete: the holder's task is gone") { scene in
        let session = try scene.manager().session()
        let id = try session.putAndClaim(.mail)
        try session.put(.mail)
        try require(try session.run(.delete(id)), [.deleted], "deleted")
        try require(
            try session.run(.delete(id), .peek(id), .taskStatistics(id)),
            [.notFound, .notFound, .notFound],
            "gone"
        )
        let statistics = try session.statistics(.mail)
        try require(statistics.counts, TaskCounts(pending: 1), "counts")
        try require(statistics.deletes, 1, "deletes")
        try require(statistics.totalTasks, 2, "total stays")
    },
    StoreCheck("delete: any session may delete a task that no session holds") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let ids = [try one.put(.mail, priority: 1), try one.put(.mail, delay: 9), try one.putAndBury(.mail)]
        try one.put(.mail)
        for id in ids { try require(try two.run(.delete(id)), [.deleted], "deleted") }
        let statistics = try one.statistics(.mail)
        try require(statistics.counts, TaskCounts(pending: 1), "counts")
        try require(statistics.deletes, 3, "deletes")
    },
    StoreCheck("delete: not what another session holds") { scene in
        let manager = try scene.manager("one")
        let holder = manager.session()
        let id = try holder.putAndClaim(.mail)
        try require(try manager.session().run(.delete(id)), [.notFound], "another of the same manager")
        try require(try scene.manager("two").session().run(.delete(id)), [.notFound], "one of another manager")
        try require(try holder.state(id), .claimed, "still claimed")
        try require(try holder.run(.delete(id)), [.deleted], "the holder")
    },
    StoreCheck("delete: the next claim passes over it, within the batch too") { scene in
        let session = try scene.manager().session()
        let first = try session.put(.mail, priority: 1)
        let second = try session.put(.mail, priority: 2)
        let third = try session.put(.mail, priority: 3)
        let look = Action.claim(tubes: [.mail], count: 1, waits: false)
        let outcomes = try session.run(look, .delete(second), look)
        guard case .claimed(let one) = outcomes[0], case .claimed(let two) = outcomes[2] else {
            throw failure("claimed")
        }
        try require(one.map(\.id) + two.map(\.id), [first, third], "claims")
    },
    StoreCheck("delete: must survive a power failure, unless it finds nothing") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        let id = try session.put(.mail)
        try require(try manager.run([session.wants(.delete(id))]).needsDurability, true, "deleted")
        try require(try manager.run([session.wants(.delete(id))]).needsDurability, false, "not found")
    },
]
