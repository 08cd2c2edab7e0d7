import TaskStore

let timeChecks: [StoreCheck] = [
    StoreCheck("time: a delay ends at its moment and not before") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.put(.mail, priority: 1, delay: 10)
        scene.now = Timestamp(rawValue: scene.now.rawValue + 9999)
        try require(try two.state(id), .delayed, "a millisecond before")
        scene.now = Timestamp(rawValue: scene.now.rawValue + 1)
        try require(try two.state(id), .pending, "at the moment")
        try require(try one.statistics(.mail).counts, TaskCounts(pending: 1, urgent: 1), "counts")
        try require(try one.claim(.mail), [id], "claimed")
    },
    StoreCheck("time: a batch says when the next delay or pause ends") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        try require(try manager.run([]).nextEvent, nil, "nothing ahead")
        try session.put(.mail, delay: 50)
        let soon = try session.put(.mail, delay: 20)
        try require(try manager.run([]).nextEvent, scene.now.adding(seconds: 20), "the sooner delay")
        try session.run(.pause(.mail, seconds: 10))
        try require(try manager.run([]).nextEvent, scene.now.adding(seconds: 10), "the pause")
        try session.run(.pause(.mail, seconds: 0))
        try session.run(.delete(soon))
        try require(try manager.run([]).nextEvent, scene.now.adding(seconds: 50), "the later delay")
        try session.run(.kick(.mail, bound: 1))
        try require(try manager.run([]).nextEvent, nil, "nothing any more")
    },
    StoreCheck("time: the next event is the whole store's") { scene in
        let one = try scene.manager("one")
        let two = try scene.manager("two")
        try one.session().put(.mail, delay: 7)
        try require(try two.run([]).nextEvent, scene.now.adding(seconds: 7), "put at the other")
    },
    StoreCheck("time: a batch says whether time made tasks claimable") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        try session.put(.mail, delay: 5)
        try require(try manager.run([]).timePassed, false, "before")
        scene.pass(seconds: 5)
        try require(try manager.run([]).timePassed, true, "then")
        try require(try manager.run([]).timePassed, false, "once")
        try session.run(.pause(.mail, seconds: 5))
        scene.pass(seconds: 5)
        let outcome = try manager.run([session.wants(.claim(tubes: [.mail], count: 1, waits: false))])
        try require(outcome.timePassed, true, "a pause")
        guard case .claimed(let tasks) = outcome.outcomes[0] else { throw failure("claimed") }
        try require(tasks.count, 1, "in the same batch")
    },
    StoreCheck("time: many delays that end at once all end", isLarge: true) { scene in
        let manager = try scene.manager()
        let session = manager.session()
        let task = NewTask(tube: .mail, priority: 1, delay: 5, timeToRun: 1, body: [])
        for _ in 0..<5 { _ = try manager.run(Array(repeating: session.wants(.put(task)), count: 700)) }
        scene.pass(seconds: 5)
        try manager.catchUp()
        try require(try session.statistics(.mail).counts, TaskCounts(pending: 3500, urgent: 3500), "counts")
    },
    StoreCheck("time: a clock that goes back does no harm") { scene in
        let session = try scene.manager().session()
        let id = try session.put(.mail, delay: 5)
        scene.pass(seconds: -100)
        try require(try session.statistics(id).timeLeft, 105_000, "time left")
        scene.pass(seconds: 105)
        try require(try session.claim(.mail), [id], "claimed")
    },
]
