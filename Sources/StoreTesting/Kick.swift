import TaskStore

let kickChecks: [StoreCheck] = [
    StoreCheck("kick: buried tasks, the longest buried first") { scene in
        let session = try scene.manager().session()
        let ids = try (0..<4).map { _ in try session.putAndClaim(.mail, priority: 7) }
        let order = [ids[2], ids[0], ids[3], ids[1]]
        for id in order { try session.run(.bury(id, priority: 7)) }
        for id in order {
            try require(try session.run(.kick(.mail, bound: 1)), [.kicked(1)], "kicked")
            try require(try session.claim(.mail), [id], "the longest buried")
        }
        try require(try session.run(.kick(.mail, bound: 1)), [.kicked(0)], "nothing left")
    },
    StoreCheck("kick: the order of burying holds over managers") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let first = try two.putAndBury(.mail)
        let second = try one.putAndBury(.mail)
        try require(try one.run(.kick(.mail, bound: 1)), [.kicked(1)], "kicked")
        try require(try one.state(first), .pending, "the first buried")
        try require(try one.state(second), .buried, "the second")
    },
    StoreCheck("kick: at most as many as asked for") { scene in
        let session = try scene.manager().session()
        for _ in 0..<5 { _ = try session.putAndBury(.mail, priority: 1) }
        try require(try session.run(.kick(.mail, bound: 3)), [.kicked(3)], "three")
        try require(try session.statistics(.mail).counts, TaskCounts(pending: 3, urgent: 3, buried: 2), "counts")
        try require(try session.run(.kick(.mail, bound: 30)), [.kicked(2)], "the rest")
        try require(try session.run(.kick(.mail, bound: 0)), [.kicked(0)], "none")
    },
    StoreCheck("kick: delayed tasks only if none is buried, the soonest first") { scene in
        let session = try scene.manager().session()
        let late = try session.put(.mail, priority: 1, delay: 90)
        let soon = try session.put(.mail, priority: 1, delay: 30)
        let buried = try session.putAndBury(.mail)
        try require(try session.run(.kick(.mail, bound: 5)), [.kicked(1)], "the buried one alone")
        try require(try session.state(buried), .pending, "buried")
        try require(try session.run(.kick(.mail, bound: 1)), [.kicked(1)], "a delayed one")
        try require(try session.state(soon), .pending, "the soonest")
        try require(try session.state(late), .delayed, "the other")
        try require(try session.statistics(soon).kicks, 1, "kicks")
        try require(try session.statistics(.mail).counts, TaskCounts(pending: 2, urgent: 1, delayed: 1), "counts")
    },
    StoreCheck("kick: only from the state named") { scene in
        let session = try scene.manager().session()
        let delayed = try session.put(.mail, delay: 90)
        let buried = try session.putAndBury(.mail)
        try require(try session.run(.kick(.mail, bound: 5, from: .delayed)), [.kicked(1)], "the delayed one")
        try require(try session.state(delayed), .pending, "delayed")
        let other = try session.put(.mail, delay: 90)
        try require(try session.run(.kick(.mail, bound: 5, from: .buried)), [.kicked(1)], "the buried one")
        try require(try session.state(buried), .pending, "buried")
        try require(try session.run(.kick(.mail, bound: 5, from: .buried)), [.kicked(0)], "none is buried")
        try require(try session.state(other), .delayed, "delayed still")
    },
    StoreCheck("kick: only in the tube named; an unknown one has nothing") { scene in
        let session = try scene.manager().session()
        let other = try session.putAndBury(.film)
        try session.put(.mail)
        try require(try session.run(.kick(.mail, bound: 9)), [.kicked(0)], "mail")
        try require(try session.run(.kick(.news, bound: 9)), [.kicked(0)], "unknown")
        try require(try session.state(other), .buried, "the other tube's")
    },
    StoreCheck("kickTask: a buried one, a delayed one, no other") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let buried = try one.putAndBury(.mail)
        let delayed = try one.put(.mail, delay: 9)
        let claimed = try one.putAndClaim(.mail)
        let pending = try one.put(.mail)
        for id in [buried, delayed] {
            try require(try two.run(.kickTask(id), .kickTask(id)), [.kicked(1), .notFound], "kicked once")
            try require(try one.statistics(id).kicks, 1, "kicks")
            try require(try one.statistics(id).timeLeft, 0, "time left")
        }
        for id in [claimed, pending, TaskID(rawValue: 99)] {
            try require(try one.run(.kickTask(id)), [.notFound], "not to be kicked")
        }
        try require(try one.statistics(.mail).counts, TaskCounts(pending: 3, claimed: 1), "counts")
    },
]
