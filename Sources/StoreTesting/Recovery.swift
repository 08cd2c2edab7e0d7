import TaskStore

let recoveryChecks: [StoreCheck] = [
    StoreCheck("recovery: a peer returns the claims of a dead manager") { scene in
        let dead = try scene.manager("dead")
        let peer = try scene.manager("peer")
        let holder = dead.session()
        let ids = [try holder.putAndClaim(.mail, priority: 5), try holder.putAndClaim(.film)]
        let mine = try peer.session().putAndClaim(.mail)
        try require(try peer.store.maintain(at: scene.now), Maintenance(), "while it lives")

        let number = dead.store.manager
        try scene.kill(dead)
        let found = try peer.store.maintain(at: scene.now)
        try require(found.recovered, [DeadManager(id: number, name: "dead", claims: 2)], "found dead")
        try require(found.madePending, "tasks became pending")
        let session = peer.session()
        for id in ids {
            let statistics = try session.statistics(id)
            try require(statistics.state, .pending, "returned")
            try require(statistics.timeouts + statistics.releases, 0, "neither timed out nor released")
            try require(statistics.reserves, 1, "reserves")
        }
        try require(try session.state(mine), .claimed, "the living manager's own")
        try require(try session.statistics(.mail).counts, TaskCounts(pending: 1, urgent: 1, claimed: 1), "counts")
        try require(try peer.store.maintain(at: scene.now), Maintenance(), "once")
    },
    StoreCheck("recovery: more claims than one step returns", isLarge: true) { scene in
        let dead = try scene.manager("dead")
        let peer = try scene.manager("peer")
        let holder = dead.session()
        let task = NewTask(tube: .mail, priority: 5, delay: 0, timeToRun: 5, body: [])
        for _ in 0..<3 { _ = try dead.run(Array(repeating: holder.wants(.put(task)), count: 900)) }
        try require(try holder.claim(.mail, count: 2700).count, 2700, "claimed")
        try scene.kill(dead)
        // A store may interrupt this for its clients, and then says so.
        var returned = 0
        var isUnfinished = true
        while isUnfinished {
            let report = try peer.store.maintain(at: scene.now)
            returned += report.recovered.reduce(0) { $0 + $1.claims }
            isUnfinished = report.isUnfinished
        }
        try require(returned, 2700, "returned")
        try require(try peer.session().statistics(.mail).counts.pending, 2700, "pending")
    },
    StoreCheck("recovery: a dead manager's connections use and watch no more") { scene in
        let dead = try scene.manager("dead")
        let peer = try scene.manager("peer")
        try dead.session().run(.countUse(.mail, using: 1, watching: 1), .countUse(.film, using: 0, watching: 1))
        let session = peer.session()
        try session.run(.countUse(.film, using: 1, watching: 0))
        try scene.kill(dead)
        try require(try peer.store.maintain(at: scene.now).recovered.map(\.claims), [0], "found")
        try require(try session.tubes(), [.default, .film], "tubes")
        let statistics = try session.statistics(.film)
        try require([statistics.using, statistics.watching], [1, 0], "users and watchers")
    },
    StoreCheck("recovery: without a live peer the next manager returns the claims at once") { scene in
        let dead = try scene.manager("dead")
        let holder = dead.session()
        let id = try holder.putAndClaim(.mail)
        try holder.run(.countUse(.film, using: 1, watching: 1))
        try scene.kill(dead)
        let session = try scene.manager("next").session()
        try require(try session.tubes(), [.default, .mail], "tubes")
        try require(try session.claim(.mail), [id], "claimed")
        try require(try session.statistics(id).reserves, 2, "reserves")
    },
    StoreCheck("recovery: one manager finds several dead ones at once") { scene in
        let dead = try ["a", "b", "c"].map { try scene.manager($0) }
        let peer = try scene.manager("peer")
        for manager in dead { _ = try manager.session().putAndClaim(.mail) }
        for manager in dead { try scene.kill(manager) }
        let found = try peer.store.maintain(at: scene.now).recovered
        try require(found.map(\.name).sorted(), ["a", "b", "c"], "names")
        try require(try peer.session().statistics(.mail).counts.pending, 3, "returned")
    },
    StoreCheck("recovery: numbers of managers are never used again") { scene in
        let first = try scene.manager("a")
        let number = first.store.manager
        try scene.kill(first)
        let second = try scene.manager("b")
        try require(second.store.manager != number, "another number after a death")
        let next = second.store.manager
        try scene.leave(second)
        try require(try scene.manager("c").store.manager != next, "another number after leaving")
    },
    StoreCheck("leave: gives everything back") { scene in
        let leaving = try scene.manager("leaving")
        let peer = try scene.manager("peer")
        let session = leaving.session()
        let id = try session.putAndClaim(.mail)
        try session.run(.countUse(.film, using: 1, watching: 1))
        try scene.leave(leaving)
        try require(try peer.session().state(id), .pending, "returned")
        try require(try peer.session().tubes(), [.default, .mail], "tubes")
        try require(try peer.store.maintain(at: scene.now), Maintenance(), "nothing to recover")
    },
    StoreCheck("recovery: tasks that were not claimed are there for the next manager") { scene in
        let dead = try scene.manager("dead")
        let ids = try (0..<5).map { try dead.session().put(.mail, "\($0)") }
        try scene.kill(dead)
        let claimed = try scene.manager("next").session().claimed([.mail], count: 9)
        try require(claimed.map(\.id), ids, "ids")
        try require(claimed.map(\.body), (0..<5).map { Array("\($0)".utf8) }, "bodies")
    },
]
