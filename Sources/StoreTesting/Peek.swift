import TaskStore

let peekChecks: [StoreCheck] = [
    StoreCheck("peek: a task in any state") { scene in
        let session = try scene.manager().session()
        let ids = [
            try session.put(.mail, ""),
            try session.put(.mail, "", delay: 5),
            try session.putAndBury(.mail),
            try session.putAndClaim(.mail),
        ]
        let other = try scene.manager("two").session()
        for id in ids { try require(try other.run(.peek(id)), [.found(id, body: [])], "found") }
        try require(try other.run(.peek(TaskID(rawValue: 99))), [.notFound], "unknown")
    },
    StoreCheck("peekNext: the task that would be taken first") { scene in
        let session = try scene.manager().session()
        try session.put(.mail, "", priority: 9)
        let urgent = try session.put(.mail, "now", priority: 1)
        try session.put(.mail, "", delay: 90)
        let soon = try session.put(.mail, "soon", delay: 30)
        let claimed = try session.putAndClaim(.mail)
        let buriedLater = try session.putAndClaim(.mail)
        try session.run(.bury(claimed, priority: 9))
        try session.run(.bury(buriedLater, priority: 0))
        try require(
            try session.run(.peekNext(.mail, .pending), .peekNext(.mail, .delayed), .peekNext(.mail, .buried)),
            [
                .found(urgent, body: Array("now".utf8)),
                .found(soon, body: Array("soon".utf8)),
                .found(claimed, body: []),
            ],
            "each state's first"
        )
        try session.putAndClaimNothingElse()
        try require(try session.run(.peekNext(.mail, .claimed)), [.notFound], "claimed")
    },
    StoreCheck("peekNext: nothing there, or no such tube") { scene in
        let session = try scene.manager().session()
        try session.put(.film)
        for state in TaskState.allCases {
            try require(try session.run(.peekNext(.mail, state)), [.notFound], "no such tube, \(state)")
        }
        for state in [TaskState.delayed, .buried] {
            try require(try session.run(.peekNext(.film, state)), [.notFound], "nothing \(state)")
        }
    },
    StoreCheck("peekNext: in a paused tube too") { scene in
        let session = try scene.manager().session()
        let id = try session.put(.mail)
        try session.run(.pause(.mail, seconds: 9))
        try require(try session.run(.peekNext(.mail, .pending)), [.found(id, body: [])], "found")
    },
    StoreCheck("peek: reading needs no durability") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        let id = try session.put(.mail)
        let result = try manager.run([session.wants(.peek(id)), session.wants(.storeStatistics)])
        try require(result.needsDurability, false, "needs durability")
    },
]

extension Session {
    /// Holds a task, so that one is claimed.
    fileprivate func putAndClaimNothingElse() throws {
        _ = try putAndClaim(.mail)
    }
}
