import TaskStore

extension TubeGlob {
    /// Returns a pattern of the suite that is known to be valid.
    ///
    /// Any other pattern matches all tubes, and the check that uses it fails.
    fileprivate static func like(_ text: String) -> TubeGlob { TubeGlob(text) ?? .all }
}

extension AccessFilter {
    /// Makes a filter that is the same for all tasks.
    fileprivate convenience init(_ tubes: String...) {
        let globs = tubes.map(TubeGlob.like)
        self.init(held: globs, others: globs)
    }
}

extension Session {
    /// Runs one operation that may find tasks in some tubes only.
    fileprivate func run(_ action: Action, with access: AccessFilter) throws -> Outcome {
        let outcomes = try manager.run([Operation(session: id, action: action, access: access)]).outcomes
        guard let outcome = outcomes.first else { throw failure("an outcome") }
        return outcome
    }
}

let accessChecks: [StoreCheck] = [
    StoreCheck("access: a task in a tube without rights is not found, and stays as it is") { scene in
        let manager = try scene.manager()
        let (owner, other) = (manager.session(), manager.session())
        let pending = try owner.put(.mail)
        let buried = try owner.putAndBury(.mail)
        let film = AccessFilter("film")
        for action in [
            Action.claimTask(pending), .delete(pending), .peek(pending), .taskStatistics(pending), .kickTask(buried),
        ] {
            try require(try other.run(action, with: film), .notFound, "\(action)")
        }
        try require(try owner.state(pending), .pending, "pending as before")
        try require(try owner.state(buried), .buried, "buried as before")
        try require(try owner.statistics(.mail).counts, TaskCounts(pending: 1, buried: 1), "counts")
    },
    StoreCheck("access: a task in a tube with rights is found") { scene in
        let session = try scene.manager().session()
        let mail = AccessFilter("film", "ma*")
        let id = try session.put(.mail, "hello")
        try require(try session.run(.peek(id), with: mail), .found(id, body: Array("hello".utf8)), "peek")
        guard case .claimed(let tasks) = try session.run(.claimTask(id), with: mail) else { throw failure("claimed") }
        try require(tasks.map(\.id), [id], "claimed")
        try require(try session.run(.touch(id), with: mail), .touched, "touch")
        try require(try session.run(.bury(id, priority: 1), with: mail), .buried, "bury")
        try require(try session.run(.kickTask(id), with: mail), .kicked(1), "kick")
        try require(try session.run(.delete(id), with: mail), .deleted, "delete")
        try require(try session.run(.delete(id), with: mail), .notFound, "gone")
    },
    StoreCheck("access: a holder without rights cannot end or extend its claim") { scene in
        let session = try scene.manager().session()
        let id = try session.putAndClaim(.mail)
        let film = AccessFilter("film")
        for action in [
            Action.touch(id), .release(id, priority: 1, delay: 0), .bury(id, priority: 1), .delete(id),
        ] {
            try require(try session.run(action, with: film), .notFound, "\(action)")
        }
        try require(try session.state(id), .claimed, "still claimed")
        try require(try session.run(.touch(id)), [.touched], "still its own")
    },
    StoreCheck("access: a delete asks for other rights if the session holds the task") { scene in
        let manager = try scene.manager()
        let (holder, other) = (manager.session(), manager.session())
        let consumer = AccessFilter(held: [.all], others: [])
        let admin = AccessFilter(held: [], others: [.all])
        let pending = try holder.put(.mail)
        try require(try holder.run(.delete(pending), with: consumer), .notFound, "the consumer, not its own")
        let claimed = try holder.putAndClaim(.mail)
        try require(try holder.run(.delete(claimed), with: admin), .notFound, "the operator, its own")
        try require(try other.run(.delete(claimed), with: admin), .notFound, "held by another session")
        try require(try holder.run(.delete(claimed), with: consumer), .deleted, "the consumer, its own")
        try require(try other.run(.delete(pending), with: admin), .deleted, "the operator, held by no session")
    },
    StoreCheck("access: a named session holds its tasks through any of its connections") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        guard let name = SessionName("worker") else { throw failure("a name") }
        try one.run(.attach(name))
        let id = try one.putAndClaim(.mail)
        try two.run(.attach(name))
        try require(try one.run(.delete(id), with: AccessFilter("*")), .superseded, "the displaced connection")
        let own = AccessFilter(held: [.all], others: [])
        try require(try one.run(.peek(id), with: own), .notFound, "the displaced connection does not hold it")
        try require(try two.run(.peek(id), with: own), .found(id, body: []), "the holder reads")
        try require(try two.run(.delete(id), with: own), .deleted, "the holder")
    },
    StoreCheck("access: the tube counts that the task is in when the operation runs") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        let mail = AccessFilter("mail")
        let task = NewTask(tube: .film, priority: 1, delay: 0, timeToRun: 5, body: [])
        let (first, second) = (TaskID(rawValue: 1), TaskID(rawValue: 2))
        let other = NewTask(tube: .mail, priority: 1, delay: 0, timeToRun: 5, body: [])
        let outcomes =
            try manager.run([
                session.wants(.put(task)), session.wants(.put(other)),
                Operation(session: session.id, action: .delete(first), access: mail),
                Operation(session: session.id, action: .delete(second), access: mail),
                Operation(session: session.id, action: .peek(second), access: mail),
            ])
            .outcomes
        try require(
            outcomes,
            [.inserted(first), .inserted(second), .notFound, .deleted, .notFound],
            "tasks of the same batch"
        )
    },
    StoreCheck("access: deletes in a row are each checked") { scene in
        let manager = try scene.manager()
        let session = manager.session()
        var ids: [TaskID] = []
        for index in 0..<40 { ids.append(try session.putAndClaim(index % 3 == 0 ? .film : .mail)) }
        let mail = AccessFilter("mail")
        let outcomes =
            try manager.run(
                ids.map { Operation(session: session.id, action: .delete($0), access: mail) }
            )
            .outcomes
        try require(outcomes, (0..<40).map { $0 % 3 == 0 ? .notFound : .deleted }, "deletes")
        // Without a filter between others with one.
        let rest = ids.enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
        let mixed =
            try manager.run(
                rest.enumerated()
                    .map { Operation(session: session.id, action: .delete($1), access: $0 % 4 == 0 ? mail : nil) }
            )
            .outcomes
        try require(mixed, rest.indices.map { $0 % 4 == 0 ? .notFound : .deleted }, "mixed deletes")
    },
    StoreCheck("access: a list shows only some tubes, in the order of all") { scene in
        let session = try scene.manager().session()
        for tube in [TubeName.film, .mail, .news] { try session.put(tube) }
        try require(
            try session.run(.listTubes, with: AccessFilter("ne*", "mail")),
            .tubes([.mail, .news]),
            "some"
        )
        try require(try session.run(.listTubes, with: AccessFilter()), .tubes([]), "none")
        try require(try session.tubes(), [.default, .film, .mail, .news], "without a filter")
    },
    StoreCheck("access: only a star is special in a pattern") { scene in
        let session = try scene.manager().session()
        let names = ["a_b", "axb", "a.b", "a$b", "(a)", "A_B"]
        for name in names { try session.put(.named(name)) }
        try require(try session.run(.listTubes, with: AccessFilter("a_b")), .tubes([.named("a_b")]), "underscore")
        try require(try session.run(.listTubes, with: AccessFilter("a.*b")), .tubes([.named("a.b")]), "dot")
        try require(
            try session.run(.listTubes, with: AccessFilter("*(*", "*$b")),
            .tubes([.named("a$b"), .named("(a)")]),
            "parenthesis and dollar"
        )
    },
    StoreCheck("access: two principals' sessions of one name are different") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        guard let name = SessionName("worker"), let alice = PrincipalName("alice"), let bob = PrincipalName("bob")
        else {
            throw failure("names")
        }
        try one.run(.attach(name.of(alice)))
        let id = try one.putAndClaim(.mail)
        try require(try two.run(.attach(name.of(bob))), [.attached([])], "another principal")
        try require(try two.run(.attach(name)), [.attached([])], "no principal")
        try require(try one.run(.touch(id)), [.touched], "not displaced")
        guard case .attached(let claims, _)? = try two.run(.attach(name.of(alice))).first else {
            throw failure("taken up")
        }
        try require(claims.map(\.id), [id], "the same principal")
    },
]
