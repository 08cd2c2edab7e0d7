import TaskStore

let pauseChecks: [StoreCheck] = [
    StoreCheck("pause: no task is claimed out of the tube, by any manager, until it ends") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.put(.mail, priority: 0)
        let other = try one.put(.film, priority: 9)
        try require(try one.run(.pause(.mail, seconds: 10)), [.paused], "paused")
        try require(try two.claim(.mail), [], "by the other manager")
        try require(try two.claim(.mail, .film, count: 2), [other], "the other tube")
        scene.pass(seconds: 9)
        try require(try one.claim(.mail), [], "just before")
        scene.pass(seconds: 1)
        try require(try two.claim(.mail), [id], "when it ends")
    },
    StoreCheck("pause: holds within the batch") { scene in
        let session = try scene.manager().session()
        try session.put(.mail)
        let look = Action.claim(tubes: [.mail], count: 1, waits: false)
        let outcomes = try session.run(.pause(.mail, seconds: 5), look, .pause(.mail, seconds: 0), look)
        guard case .claimed(let before) = outcomes[1], case .claimed(let after) = outcomes[3] else {
            throw failure("claimed")
        }
        try require([before.count, after.count], [0, 1], "claims during and after")
    },
    StoreCheck("pause: 0 ends it") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let id = try one.put(.mail)
        try one.run(.pause(.mail, seconds: 100))
        try require(try two.run(.pause(.mail, seconds: 0)), [.paused], "ended")
        try require(try one.claim(.mail), [id], "claimable")
        try require(try one.statistics(.mail).pauses, 2, "pauses")
    },
    StoreCheck("pause: shows in the statistics and goes with time") { scene in
        let session = try scene.manager().session()
        try session.put(.mail)
        try session.run(.pause(.mail, seconds: 10))
        scene.pass(seconds: 4)
        var statistics = try session.statistics(.mail)
        try require(statistics.pause, 10, "length")
        try require(statistics.pauseTimeLeft, 6000, "time left")
        try require(statistics.pauses, 1, "pauses")
        scene.pass(seconds: 7)
        statistics = try session.statistics(.mail)
        try require(statistics.pause, 0, "length afterwards")
        try require(statistics.pauseTimeLeft, 0, "time left afterwards")
        try require(statistics.pauses, 1, "pauses afterwards")
    },
    StoreCheck("pause: a second one replaces the first") { scene in
        let session = try scene.manager().session()
        let id = try session.put(.mail)
        try session.run(.pause(.mail, seconds: 100), .pause(.mail, seconds: 5))
        scene.pass(seconds: 5)
        try require(try session.claim(.mail), [id], "after the second")
    },
    StoreCheck("pause: an unknown tube is not found") { scene in
        try require(try scene.manager().session().run(.pause(.mail, seconds: 1)), [.notFound], "not found")
    },
    StoreCheck("pause: must survive a power failure") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        let result = try manager.run([session.wants(.pause(.default, seconds: 1))])
        try require(result.needsDurability, "needs durability")
    },
]
