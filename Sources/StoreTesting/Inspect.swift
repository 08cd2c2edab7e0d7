import TaskStore

extension Session {
    /// Asks an operator's question; fails if there is no answer.
    func inspect(_ query: InspectQuery) throws -> Inspection {
        guard case .inspected(let inspection)? = try run(.inspect(query)).first else {
            throw failure("\(query) is answered")
        }
        return inspection
    }

    /// Reads all pages of a list of tasks.
    func inspectTasks(_ filter: TaskFilter, limit: Int) throws -> [TaskDescription] {
        var tasks: [TaskDescription] = []
        var after = TaskID(rawValue: 0)
        while true {
            guard case .tasks(let page) = try inspect(.tasks(filter, after: after, limit: limit)) else {
                throw failure("a page of tasks")
            }
            try require(page.rows.count <= limit, "at most \(limit) rows")
            tasks += page.rows
            guard let next = page.next.flatMap({ Int64($0) }) else { return tasks }
            try require(next > after.rawValue, "the next page begins behind this one")
            after = TaskID(rawValue: next)
        }
    }
}

let inspectChecks: [StoreCheck] = [
    StoreCheck("inspect tasks: each filter, in pages of each size, in the order of the ids") { scene in
        let session = try scene.manager().session()
        let old = try session.put(.mail, "old needle\u{0}")
        scene.pass(seconds: 10)
        let film = try session.put(.film, "needle", priority: 1)
        let delayed = try session.put(.mail, "x", delay: 90)
        let buried = try session.putAndBury(.mail)
        let claimed = try session.putAndClaim(.film)
        func ids(_ filter: TaskFilter, limit: Int) throws -> [TaskID] {
            try session.inspectTasks(filter, limit: limit).map(\.statistics.id)
        }
        for limit in 1...6 {
            try require(try ids(TaskFilter(), limit: limit), [old, film, delayed, buried, claimed], "all")
            try require(try ids(TaskFilter(tube: .film), limit: limit), [film, claimed], "of a tube")
            try require(try ids(TaskFilter(tube: .news), limit: limit), [], "of no tube")
            try require(try ids(TaskFilter(state: .pending), limit: limit), [old, film], "in a state")
            try require(try ids(TaskFilter(state: .claimed), limit: limit), [claimed], "claimed")
            try require(try ids(TaskFilter(tube: .mail, state: .buried), limit: limit), [buried], "both")
            try require(try ids(TaskFilter(tube: .mail, state: .claimed), limit: limit), [], "none")
            try require(try ids(TaskFilter(olderThan: 9), limit: limit), [old], "older")
            try require(try ids(TaskFilter(olderThan: 10), limit: limit), [], "not older")
            try require(try ids(TaskFilter(bodyLike: Array("needle".utf8)), limit: limit), [old, film], "in the body")
            try require(try ids(TaskFilter(bodyLike: Array("e\u{0}".utf8)), limit: limit), [old], "any bytes")
            try require(try ids(TaskFilter(bodyLike: Array("Needle".utf8)), limit: limit), [], "case counts")
        }
    },
    StoreCheck("inspect tasks: a page begins behind its key, whatever was deleted") { scene in
        let session = try scene.manager().session()
        let ids = try (0..<6).map { _ in try session.put(.mail) }
        guard case .tasks(let page) = try session.inspect(.tasks(TaskFilter(), after: TaskID(rawValue: 0), limit: 2))
        else {
            throw failure("a page")
        }
        try require(page.rows.map(\.statistics.id), [ids[0], ids[1]], "the first page")
        try require(page.next, ids[1].description, "the key")
        try session.run(.delete(ids[1]), .delete(ids[2]), .editTask(ids[3], TaskEdit(priority: 1)))
        let added = try session.put(.mail)
        guard case .tasks(let rest) = try session.inspect(.tasks(TaskFilter(), after: ids[1], limit: 9)) else {
            throw failure("a page")
        }
        try require(rest.rows.map(\.statistics.id), [ids[3], ids[4], ids[5], added], "each that stays, once")
        try require(rest.next, nil, "the end")
    },
    StoreCheck("inspect task: everything about it") { scene in
        let one = try scene.manager("one").session()
        guard let key = UniqueKey("key") else { throw failure("a key") }
        let body = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
        let new = NewTask(tube: .mail, priority: 7, delay: 0, timeToRun: 50, body: body, key: key)
        guard case .inserted(let id)? = try one.run(.put(new)).first else { throw failure("a put inserts") }
        try one.run(.claimTask(id))
        scene.pass(seconds: 20)
        guard case .task(let task) = try one.inspect(.task(id, withBody: false)) else { throw failure("a task") }
        try require(task.statistics, try one.statistics(id), "its statistics")
        try require(task.created.rawValue, scene.now.rawValue - 20_000, "when it was put")
        try require(task.key, "key", "its key")
        try require(task.bodyBytes, 300, "the length of its body")
        try require(task.body, .start(Array(body.prefix(200))), "the start of its body")
        let holder = HolderDescription(
            session: one.id.rawValue,
            isNamed: false,
            manager: "one",
            connection: one.id.connection
        )
        try require(task.holder, holder, "its holder")
        guard case .task(let whole) = try one.inspect(.task(id, withBody: true)) else { throw failure("a task") }
        try require(whole.body, .whole(body), "its body")
        try require(try one.run(.inspect(.task(TaskID(rawValue: 99), withBody: true))), [.notFound], "no such task")
    },
    StoreCheck("inspect claims: through which manager, and for how much longer") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        let first = try one.putAndClaim(.mail, timeToRun: 60)
        let second = try two.putAndClaim(.film, timeToRun: 90)
        try one.put(.mail)
        func claims(_ tube: TubeName?, _ manager: String?) throws -> [TaskDescription] {
            guard
                case .claims(let page) = try one.inspect(
                    .claims(tube: tube, manager: manager, after: TaskID(rawValue: 0), limit: 100)
                )
            else { throw failure("claims") }
            return page.rows
        }
        try require(try claims(nil, nil).map(\.statistics.id), [first, second], "all")
        try require(try claims(.film, nil).map(\.statistics.id), [second], "of a tube")
        try require(try claims(nil, "one").map(\.statistics.id), [first], "of a manager")
        try require(try claims(nil, "three"), [], "of no manager")
        scene.pass(seconds: 30)
        try require(try claims(nil, nil).map(\.statistics.timeLeft), [30_000, 60_000], "time left")
        guard let name = SessionName("worker") else { throw failure("a name") }
        try one.run(.attach(name))
        try require(try claims(nil, "one").map(\.holder?.isNamed), [true], "a named session's")
        try one.run(.disconnect(releasing: .ownClaims))
        try require(try claims(nil, "one"), [], "a named session without a connection")
        try require(try claims(.mail, nil).map(\.holder?.manager), [nil], "no manager has it")
    },
    StoreCheck("inspect sessions: by number, and never by name") { scene in
        let one = try scene.manager("one").session()
        let two = try scene.manager("two").session()
        for (session, text) in [(one, "a"), (two, "b")] {
            guard let name = SessionName(text) else { throw failure("a name") }
            try session.run(.attach(name))
        }
        _ = try one.putAndClaim(.mail)
        _ = try one.putAndClaim(.mail)
        func sessions(_ tube: TubeName?, _ manager: String?, after: Int64 = 0, limit: Int = 9) throws
            -> InspectPage<SessionDescription>
        {
            let query = InspectQuery.sessions(tube: tube, manager: manager, after: after, limit: limit)
            guard case .sessions(let page) = try one.inspect(query) else { throw failure("sessions") }
            return page
        }
        let all = try sessions(nil, nil)
        try require(all.rows.map(\.claims), [2, 0], "claims")
        try require(all.rows.map(\.holder.manager), ["one", "two"], "managers")
        try require(all.next, nil, "the end")
        let first = try sessions(nil, nil, limit: 1)
        try require(first.next, all.rows.first.map { String($0.holder.session) }, "the key of the next page")
        try require(try sessions(nil, nil, after: all.rows[0].holder.session).rows, [all.rows[1]], "the next page")
        try require(try sessions(.mail, nil).rows, [all.rows[0]], "of a tube")
        try require(try sessions(nil, "two").rows, [all.rows[1]], "of a manager")
    },
    StoreCheck("inspect tubes: by name, with the counts of their rows") { scene in
        let session = try scene.manager().session()
        try session.put(.news, priority: 1)
        try session.put(.film, delay: 90)
        _ = try session.putAndBury(.mail)
        func tubes(_ state: TaskState?, after: TubeName? = nil, limit: Int = 9) throws -> InspectPage<TubeStatistics> {
            guard case .tubes(let page) = try session.inspect(.tubes(having: state, after: after, limit: limit)) else {
                throw failure("tubes")
            }
            return page
        }
        let all = try tubes(nil)
        try require(all.rows.map(\.name), [.default, .film, .mail, .news], "in the order of the names")
        try require(all.rows, try [.default, .film, .mail, .news].map { try session.statistics($0) }, "as stats-tube")
        try require(try tubes(.pending).rows.map(\.name), [.news], "with pending tasks")
        try require(try tubes(.claimed).rows, [], "with claimed tasks")
        let page = try tubes(nil, limit: 2)
        try require(page.next, "film", "the key of the next page")
        try require(try tubes(nil, after: .film).rows.map(\.name), [.mail, .news], "the next page")
        guard case .tube(let mail) = try session.inspect(.tube(.mail)) else { throw failure("a tube") }
        try require(mail, try session.statistics(.mail), "one tube")
        try require(try session.run(.inspect(.tube(.named("none")))), [.notFound], "no such tube")
    },
    StoreCheck("inspect managers and store: all managers, the totals, figures and claims") { scene in
        let one = try scene.manager("one")
        let two = try scene.manager("two")
        let session = one.session()
        _ = try session.putAndClaim(.mail)
        var figures = ManagerFigures()
        figures.add("connections", 3)
        one.store.publish(figures)
        guard case .managers(let managers) = try session.inspect(.managers) else { throw failure("managers") }
        try require(managers.map(\.name), ["one", "two"], "names")
        try require(managers.map(\.claims), [1, 0], "claims")
        try require(managers.map(\.isToldToDrain), [false, false], "draining")
        try require(managers[0].figures["connections"], 3, "the figures of the manager that answers")
        guard case .store(let store) = try two.session().inspect(.store) else { throw failure("the store") }
        try require(store.statistics, try session.storeStatistics(), "totals")
    },
    StoreCheck("inspect tasks: a request is cut after some rows, and says where to continue", isLarge: true) { scene in
        let session = try scene.manager().session()
        for step in 0..<12 {
            let bodies = (0..<1000).map { "\(step * 1000 + $0)." }
            _ = try session.manager.run(
                bodies.map { body in
                    let task = NewTask(tube: .mail, priority: 2000, delay: 0, timeToRun: 60, body: Array(body.utf8))
                    return session.wants(.put(task))
                }
            )
        }
        let filter = TaskFilter(tube: .mail, bodyLike: Array("11999.".utf8))
        guard case .tasks(let page) = try session.inspect(.tasks(filter, after: TaskID(rawValue: 0), limit: 5)) else {
            throw failure("a page")
        }
        try require(page.rows, [], "nothing was found yet")
        try require(page.next != nil, "others follow")
        let found = try session.inspectTasks(filter, limit: 5)
        try require(found.map(\.statistics.id.rawValue), [12_000], "found in the end")
        let few = TaskFilter(state: .pending, bodyLike: Array("7999.".utf8))
        try require(try session.inspectTasks(few, limit: 1000).map(\.statistics.id.rawValue), [8000], "all pages")
    },
    StoreCheck("inspect: delays that are over are not shown as delays") { scene in
        let session = try scene.manager().session()
        let id = try session.put(.mail, delay: 5)
        scene.pass(seconds: 6)
        try require(
            try session.inspectTasks(TaskFilter(state: .pending), limit: 1).map(\.statistics.id),
            [id],
            "pending"
        )
    },
]
