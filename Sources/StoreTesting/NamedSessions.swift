import TaskStore

extension SessionName {
    /// Returns a name of the suite, which is known to be valid.
    fileprivate static func named(_ text: String) throws -> SessionName {
        guard let name = SessionName(text) else { throw failure("\(text) is a session's name") }
        return name
    }
}

extension Session {
    /// Attaches the connection to a named session.
    ///
    /// - Returns: the numbers of the tasks in it, in order.
    @discardableResult
    fileprivate func attach(_ name: String) throws -> [TaskID] {
        guard case .attached(let claims, _)? = try run(.attach(.named(name))).first else {
            throw failure("the connection is attached")
        }
        return claims.map(\.id).sorted()
    }
}

let namedSessionChecks: [StoreCheck] = [
    StoreCheck("session: its claims outlive the connection, and any manager can finish them") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        try require(try one.attach("worker"), [], "new")
        let id = try one.putAndClaim(.mail)
        try require(try one.run(.disconnect(releasing: .ownClaims)), [.disconnected(0)], "no claim is released")
        try require(try two.state(id), .claimed, "still claimed")
        try require(try two.attach("worker"), [id], "attached")
        try require(try two.run(.delete(id)), [.deleted], "finished")
    },
    StoreCheck("session: the connection's earlier claims become claims of the session") { scene in
        let manager = try scene.manager()
        let first = manager.session()
        let id = try first.putAndClaim(.mail, timeToRun: 60)
        scene.pass(seconds: 20)
        guard case .attached(let claims, _)? = try first.run(.attach(.named("worker"))).first else {
            throw failure("the connection is attached")
        }
        try require(claims, [HeldClaim(id: id, tube: .mail, timeToRun: 60, timeLeft: 40_000)], "claims")
        try first.run(.disconnect(releasing: .ownClaims))
        try require(try manager.session().attach("worker"), [id], "kept")
    },
    StoreCheck("session: a connection that attaches to it supersedes the one that had it") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        try one.attach("worker")
        let id = try one.putAndClaim(.mail)
        try one.put(.mail)
        try require(try two.attach("worker"), [id], "attached")
        let claim = Action.claim(tubes: [.mail], count: 1, waits: true)
        try require(
            try one.run(
                claim,
                .touch(id),
                .delete(id),
                .release(id, priority: 0, delay: 0),
                .claimTask(id),
                .expire(id)
            ),
            [.superseded, .superseded, .superseded, .superseded, .superseded, .superseded],
            "displaced"
        )
        try require(
            try one.run(.disconnect(releasing: .ownClaims)),
            [.disconnected(0)],
            "the superseded connection releases nothing"
        )
        try require(try two.run(.touch(id)), [.touched], "the new one holds it")
    },
    StoreCheck("session: also within one manager, and within one batch") { scene in
        let manager = try scene.manager()
        let one = manager.session()
        let two = manager.session()
        try one.attach("worker")
        let id = try one.putAndClaim(.mail)
        let outcomes =
            try manager.run([
                one.wants(.touch(id)), two.wants(.attach(.named("worker"))), one.wants(.delete(id)),
                two.wants(.delete(id)),
            ])
            .outcomes
        try require([outcomes[0], outcomes[2], outcomes[3]], [.touched, .superseded, .deleted], "in order")
        try one.attach("worker")
        try require(try two.run(.delete(id)), [.superseded], "and back")
    },
    StoreCheck("session: a connection that quits releases the claims of the session") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        try one.attach("worker")
        let ids = [try one.putAndClaim(.mail), try one.putAndClaim(.film)]
        try require(try one.run(.disconnect(releasing: .allClaims)), [.disconnected(2)], "released")
        for id in ids { try require(try two.state(id), .pending, "pending") }
        try require(try two.attach("worker"), [], "nothing is left in it")
    },
    StoreCheck("session: a displaced connection that quits gives nothing back") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        try one.attach("worker")
        let id = try one.putAndClaim(.mail)
        try two.attach("worker")
        try require(try one.run(.disconnect(releasing: .allClaims)), [.disconnected(0)], "not its own")
        try require(try two.run(.delete(id)), [.deleted], "still the other's")
    },
    StoreCheck("session: its claims survive the manager's death until their time is over") { scene in
        let one = try scene.manager("one")
        let two = try scene.manager("two")
        let dying = one.session()
        let watching = two.session()
        try dying.attach("worker")
        let named = try dying.putAndClaim(.mail, timeToRun: 60)
        let nameless = try one.session().putAndClaim(.mail, timeToRun: 60)
        try scene.kill(one)
        _ = try two.store.maintain(at: scene.now)
        try require(try watching.state(named), .claimed, "the named session's")
        try require(try watching.state(nameless), .pending, "the others'")
        scene.pass(seconds: 61)
        try two.catchUp()
        try require(try watching.state(named), .pending, "after its time to run")
        try require(try watching.statistics(named).timeouts, 1, "counted as a timeout")
        try require(try watching.attach("worker"), [], "nothing is left in it")
    },
    StoreCheck("session: a connection that changes to another leaves its claims in the first") { scene in
        let session = try scene.manager().session()
        try session.attach("first")
        let id = try session.putAndClaim(.mail)
        try require(try session.attach("second"), [], "the second is empty")
        try require(try session.run(.delete(id)), [.notFound], "not the second's")
        try require(try session.attach("first"), [id], "still the first's")
    },
    StoreCheck("session: a manager that leaves keeps the claims of named sessions") { scene in
        let one = try scene.manager("one")
        let two = try scene.manager("two").session()
        let session = one.session()
        try session.attach("worker")
        let id = try session.putAndClaim(.mail)
        try scene.leave(one)
        try require(try two.attach("worker"), [id], "attached elsewhere")
    },
]
