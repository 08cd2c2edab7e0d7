import TaskStore

let putChecks: [StoreCheck] = [
    StoreCheck("put: ids grow, over all managers, and start at 1") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let ids = [try one.put(.mail), try two.put(.film), try one.put(.mail), try two.put(.mail)]
        try require(ids.map(\.rawValue), [1, 2, 3, 4], "ids")
    },
    StoreCheck("put: ids are never used again") { scene in
        let session = try scene.manager().session()
        let last = try session.put(.mail)
        try session.run(.delete(last))
        try require(try session.put(.mail) > last, "an id greater than that of the deleted task")
    },
    StoreCheck("put: ids are never used again, also after all managers left") { scene in
        let first = try scene.manager()
        let last = try first.session().put(.mail)
        try first.session().run(.delete(last))
        try scene.leave(first)
        try require(try scene.manager().session().put(.mail) > last, "an id greater than that of the deleted task")
    },
    StoreCheck("put: the body comes back byte for byte") { scene in
        let session = try scene.manager().session()
        let all = Array(UInt8.min...UInt8.max)
        for body in [[], [0], all, [UInt8](repeating: 7, count: 70_000)] {
            let task = NewTask(tube: .mail, priority: 0, delay: 0, timeToRun: 1, body: body)
            let outcomes = try session.run(.put(task), .claim(tubes: [.mail], count: 1, waits: false))
            guard case .claimed(let claimed) = outcomes[1], let first = claimed.first else { throw failure("claimed") }
            try require(first.body, body, "a body of \(body.count) bytes")
            try require(first.tube, .mail, "the tube")
            try require(first.timeToRun, 1, "the time to run")
            try require(try session.run(.peek(first.id)), [.found(first.id, body: body)], "peeked")
        }
    },
    StoreCheck("put: all numbers come back") { scene in
        let session = try scene.manager().session()
        let id = try session.put(.mail, priority: .max, delay: .max, timeToRun: .max)
        let statistics = try session.statistics(id)
        try require(statistics.priority, .max, "priority")
        try require(statistics.delay, .max, "delay")
        try require(statistics.timeToRun, .max, "time to run")
        try require(statistics.timeLeft, Int64(UInt32.max) * 1000, "time left")
    },
    StoreCheck("put: the time to run is at least a second") { scene in
        let session = try scene.manager().session()
        try require(try session.statistics(try session.put(.mail, timeToRun: 0)).timeToRun, 1, "time to run")
    },
    StoreCheck("put: counts in the tube, urgent below 1024, delayed apart") { scene in
        let session = try scene.manager().session()
        try session.put(.mail, priority: 1023)
        try session.put(.mail, priority: 1024)
        try session.put(.mail, priority: 0, delay: 1)
        let statistics = try session.statistics(.mail)
        try require(statistics.counts, TaskCounts(pending: 2, urgent: 1, delayed: 1), "counts")
        try require(statistics.totalTasks, 3, "total")
    },
    StoreCheck("put: is seen at once by the other managers") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.put(.mail, "hello")
        try require(try two.run(.peek(id)), [.found(id, body: Array("hello".utf8))], "peek at the other")
        try require(try two.claim(.mail), [id], "claim at the other")
    },
    StoreCheck("put: must survive a power failure") { scene in
        let session = try scene.manager().session()
        let task = NewTask(tube: .mail, priority: 0, delay: 0, timeToRun: 1, body: [])
        try require(try session.manager.run([session.wants(.put(task))]).needsDurability, "needs durability")
    },
]
