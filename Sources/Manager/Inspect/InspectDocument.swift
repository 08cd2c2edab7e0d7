internal import TaskStore

/// The JSON document that answers an `inspect` (docs/json.md).
///
/// It is made here and nowhere else. Names say the unit, times are RFC 3339, and each document has its version.
struct InspectDocument {
    /// The version of all documents: it grows if a field is removed or changes its meaning.
    static let version = 1

    /// The document.
    let bytes: [UInt8]

    /// Renders an answer.
    ///
    /// - Parameters:
    ///   - inspection: the answer.
    ///   - now: the time of the answer.
    ///   - waiting: returns the number of sessions of this process that wait for a tube.
    init(_ inspection: Inspection, at now: Timestamp, waiting: (TubeName) -> Int) {
        var json = JSONWriter()
        json.object { json in
            json.key("version")
            json.number(Self.version)
            json.key("time")
            json.time(now)
            switch inspection {
            case .managers(let managers): json.list("managers", managers) { $0.manager($1, at: now) }
            case .tubes(let page): json.list("tubes", page) { $0.tube($1, waiting: waiting($1.name), at: now) }
            case .tube(let tube):
                json.key("tube")
                json.tube(tube, waiting: waiting(tube.name), at: now)
            case .tasks(let page): json.list("tasks", page) { $0.task($1, at: now) }
            case .claims(let page): json.list("claims", page) { $0.claim($1, at: now) }
            case .task(let task):
                json.key("task")
                json.task(task, isAlone: true, at: now)
            case .sessions(let page): json.list("sessions", page) { $0.session($1) }
            case .store(let store):
                json.key("store")
                json.store(store)
            }
        }
        bytes = json.bytes
    }
}

extension JSONWriter {
    // Values.

    fileprivate mutating func time(_ time: Timestamp?) {
        if let text = time.flatMap(RFC3339.text) { string(text) } else { null() }
    }

    fileprivate mutating func optional<Value: FixedWidthInteger>(_ key: StaticString, _ value: Value?) {
        self.key(key)
        if let value { number(value) } else { null() }
    }

    fileprivate mutating func optional(_ key: StaticString, _ value: String?) {
        self.key(key)
        if let value { string(value) } else { null() }
    }

    fileprivate mutating func member(_ key: StaticString, _ value: some FixedWidthInteger) {
        self.key(key)
        number(value)
    }

    fileprivate mutating func member(_ key: StaticString, _ value: String) {
        self.key(key)
        string(value)
    }

    fileprivate mutating func member(_ key: StaticString, _ time: Timestamp?) {
        self.key(key)
        self.time(time)
    }

    /// Writes a number of milliseconds as seconds; `nil` as null.
    fileprivate mutating func seconds(_ key: StaticString, _ milliseconds: Int64?) {
        self.key(key)
        if let milliseconds { thousandths(milliseconds) } else { null() }
    }

    fileprivate mutating func list<Row>(
        _ key: StaticString,
        _ page: InspectPage<Row>,
        _ write: (inout JSONWriter, Row) -> Void
    ) {
        self.key("complete")
        bool(page.next == nil)
        optional("next", page.next)
        list(key, page.rows, write)
    }

    fileprivate mutating func list<Row>(_ key: StaticString, _ rows: [Row], _ write: (inout JSONWriter, Row) -> Void) {
        self.key(key)
        array { json in for row in rows { write(&json, row) } }
    }

    // Rows.

    fileprivate mutating func manager(_ manager: ManagerDescription, at now: Timestamp) {
        object { json in
            json.member("id", manager.id.rawValue)
            json.member("name", manager.name)
            json.member("lane", manager.lane)
            json.member("address", manager.address)
            json.member("pid", manager.process)
            json.member("host", manager.host)
            json.member("version", manager.version)
            json.member("started", manager.started)
            json.seconds("uptime_seconds", max(0, now.rawValue - manager.started.rawValue))
            json.member("heartbeat", manager.heartbeat)
            json.seconds("heartbeat_age_seconds", max(0, now.rawValue - manager.heartbeat.rawValue))
            json.member("claims", manager.claims)
            json.key("told_to_drain")
            if let isTold = manager.isToldToDrain { json.bool(isTold) } else { json.null() }
            json.optional("connections", manager.figures["connections"])
            json.key("draining")
            if let isDraining = manager.figures["draining"] { json.bool(isDraining != 0) } else { json.null() }
            json.key("counters")
            json.object { json in
                for entry in manager.figures.entries where entry.name != "draining" && entry.name != "connections" {
                    json.key(text: entry.name)
                    json.number(entry.value)
                }
            }
        }
    }

    fileprivate mutating func tube(_ tube: TubeStatistics, waiting: Int, at now: Timestamp) {
        object { json in
            json.member("name", tube.name.text)
            json.counts(tube.counts)
            json.seconds("oldest_pending_age_seconds", tube.counts.pending > 0 ? max(0, tube.oldestPendingAge) : nil)
            json.member("total_tasks", tube.totalTasks)
            json.member("total_deletes", tube.deletes)
            json.member("total_pauses", tube.pauses)
            json.member("users", tube.using)
            json.member("watchers", tube.watching)
            json.member("waiting", waiting)
            json.key("paused")
            json.bool(tube.pause > 0)
            json.member("pause_seconds", tube.pause)
            json.seconds("pause_left_seconds", max(0, tube.pauseTimeLeft))
        }
    }

    private mutating func counts(_ counts: TaskCounts) {
        member("pending", counts.pending)
        member("urgent", counts.urgent)
        member("delayed", counts.delayed)
        member("claimed", counts.claimed)
        member("buried", counts.buried)
    }

    fileprivate mutating func task(_ task: TaskDescription, isAlone: Bool = false, at now: Timestamp) {
        let statistics = task.statistics
        object { json in
            json.member("id", statistics.id.rawValue)
            json.member("tube", statistics.tube.text)
            json.member("state", statistics.state.rawValue)
            json.member("priority", statistics.priority)
            json.member("created", task.created)
            json.seconds("age_seconds", max(0, statistics.age))
            json.member("delay_seconds", statistics.delay)
            json.member("ttr_seconds", statistics.timeToRun)
            json.end(of: statistics, at: now)
            json.holder(task.holder)
            json.counters(statistics)
            if isAlone { json.optional("key", task.key) }
            json.member("body_bytes", task.bodyBytes)
            json.body(task.body, of: task.bodyBytes)
        }
    }

    fileprivate mutating func claim(_ task: TaskDescription, at now: Timestamp) {
        let statistics = task.statistics
        object { json in
            json.member("id", statistics.id.rawValue)
            json.member("tube", statistics.tube.text)
            json.member("ttr_seconds", statistics.timeToRun)
            json.end(of: statistics, at: now)
            json.seconds("held_seconds", max(0, Int64(statistics.timeToRun) * 1000 - statistics.timeLeft))
            json.holder(task.holder)
            json.counters(statistics)
        }
    }

    /// Writes when the delay or the claim of a task ends.
    private mutating func end(of task: TaskStatistics, at now: Timestamp) {
        let hasEnd = task.state == .delayed || task.state == .claimed
        let (end, overflow) = now.rawValue.addingReportingOverflow(task.timeLeft)
        member("due", hasEnd && !overflow ? Timestamp(rawValue: end) : nil)
        seconds("left_seconds", hasEnd ? task.timeLeft : nil)
    }

    private mutating func counters(_ task: TaskStatistics) {
        member("reserves", task.reserves)
        member("timeouts", task.timeouts)
        member("releases", task.releases)
        member("buries", task.buries)
        member("kicks", task.kicks)
    }

    private mutating func holder(_ holder: HolderDescription?) {
        key("holder")
        guard let holder else { return null() }
        object { $0.members(of: holder) }
    }

    private mutating func members(of holder: HolderDescription) {
        member("session", holder.session)
        key("named")
        bool(holder.isNamed)
        optional("manager", holder.manager)
        optional("connection", holder.connection)
    }

    fileprivate mutating func session(_ session: SessionDescription) {
        object { json in
            json.members(of: session.holder)
            json.member("attached", session.attached)
            json.member("claims", session.claims)
        }
    }

    /// Writes a body: as text if it is UTF-8, or else in base64.
    ///
    /// A start may end within a character.
    private mutating func body(_ body: TaskBody, of count: Int) {
        switch body {
        case .hidden: break
        case .start(let bytes):
            if let text = Base64.text(bytes, isCut: bytes.count < count) {
                member("body_start", text)
            } else {
                member("body_start_base64", Base64.encode(bytes))
            }
        case .whole(let bytes):
            if let text = Base64.text(bytes, isCut: false) {
                member("body", text)
            } else {
                member("body_base64", Base64.encode(bytes))
            }
        case .damaged:
            key("body_is_damaged")
            bool(true)
        }
    }

    fileprivate mutating func store(_ store: StoreDescription) {
        object { json in
            json.member("kind", store.kind.rawValue)
            json.member("schema_version", store.schemaVersion)
            json.member("library", store.library)
            json.member("tubes", store.statistics.tubes)
            json.counts(store.statistics.counts)
            json.member("total_tasks", store.statistics.totalTasks)
            json.member("database_bytes", store.databaseBytes)
            json.optional("log_bytes", store.logBytes)
            json.optional("log_limit_bytes", store.logLimitBytes)
            json.optional("free_bytes", store.freeBytes)
            json.key("log_is_pinned")
            json.bool(store.isLogPinned)
            json.seconds("oldest_reader_age_seconds", store.oldestReaderAge)
            json.member("last_checkpoint", store.lastCheckpoint)
            json.member("last_backup", store.lastBackup)
        }
    }
}
