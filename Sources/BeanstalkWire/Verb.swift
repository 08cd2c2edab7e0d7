/// The first word of a command.
///
/// One row in ``Verb/traits`` has all that parser, encoder, counters, batches and replies need of a verb.
public enum Verb: UInt8, Sendable, Hashable, CaseIterable {
    /// Adds a task.
    case put
    /// Sets the tube for puts.
    case use
    /// Claims a task, and waits without a limit.
    case reserve
    /// Claims a task, and waits for some seconds.
    case reserveWithTimeout
    /// Claims one task by its id.
    case reserveJob
    /// Removes a task.
    case delete
    /// Returns a claimed task.
    case release
    /// Sets a claimed task aside.
    case bury
    /// Asks for more time.
    case touch
    /// Adds a tube to the watch list.
    case watch
    /// Removes a tube from the watch list.
    case ignore
    /// Reads a task.
    case peek
    /// Reads the next pending task.
    case peekReady
    /// Reads the next delayed task.
    case peekDelayed
    /// Reads the next buried task.
    case peekBuried
    /// Makes buried or delayed tasks pending.
    case kick
    /// Makes one buried or delayed task pending.
    case kickJob
    /// Reads the statistics of a task.
    case statsJob
    /// Reads the statistics of a tube.
    case statsTube
    /// Reads the statistics of the server.
    case stats
    /// Reads the names of all tubes.
    case listTubes
    /// Reads the tube for puts.
    case listTubeUsed
    /// Reads the watch list.
    case listTubesWatched
    /// Stops claims from a tube for some seconds.
    case pauseTube
    /// Closes the connection.
    case quit
    /// Attaches the connection to a session that outlives it: our own extension (docs/protocol.md).
    case session
    /// Adds a task unless one with the same key was added before: our own extension (docs/protocol.md).
    case putUnique
    /// Deletes all tasks of a tube that are in one state: our own extension (docs/protocol.md).
    case clearTube
    /// Ends the claim of any session on a task: our own extension (docs/protocol.md).
    case breakClaim
    /// Ends a named session by its number: our own extension (docs/protocol.md).
    case endSession
    /// Tells managers to take no more tasks: our own extension (docs/protocol.md).
    case drainManager
    /// Tells managers to take tasks again: our own extension (docs/protocol.md).
    case undrainManager
    /// Moves a task to another tube: our own extension (docs/protocol.md).
    case moveJob
    /// Moves tasks of a tube that are in one state to another tube: our own extension (docs/protocol.md).
    case moveTube
    /// Changes a task that no session holds: our own extension (docs/protocol.md).
    case editJob
    /// Reads what operators want to know, as JSON: our own extension (docs/protocol.md).
    case inspect
    /// Proves the identity of the client: our own extension (docs/protocol.md).
    case auth
}

extension Verb {
    /// The word on the wire.
    public var name: String { "\(traits.name)" }

    /// The right that a client needs; `nil` for verbs that every client may use.
    public var right: Right? { traits.right }

    /// Whether the answer may have a task, which must not be lost on the way to the client.
    public var claims: Bool { traits.replies.contains(.reserved) }
}

extension Verb {
    /// The verb's row in the table of verbs.
    package var traits: VerbTraits { Self.table[Int(rawValue)] }

    /// The rows in the order of the cases.
    ///
    /// Memory that is written once, before the first read, and never freed: an array is counted and checked at each look, 50
    /// instructions per command. There is a row for each case, so the index is always in bounds.
    private nonisolated(unsafe) static let table: UnsafePointer<VerbTraits> = {
        let rows = UnsafeMutableBufferPointer<VerbTraits>.allocate(capacity: allCases.count)
        for verb in allCases { rows.initializeElement(at: Int(verb.rawValue), to: verb.row) }
        return UnsafePointer(rows.baseAddress!)
    }()

    private var row: VerbTraits {
        switch self {
        case .put:
            VerbTraits("put", .own, .put, .put, .canBeDeferred)
        case .use:
            VerbTraits("use", .tube, nil, .using)
        case .reserve:
            VerbTraits("reserve", .bare, .reserve, .reserve, .canBeDeferred)
        case .reserveWithTimeout:
            VerbTraits("reserve-with-timeout", .own, .reserve, .reserve, .canBeDeferred)
        case .reserveJob:
            VerbTraits(
                "reserve-job",
                .task,
                .reserve,
                [.reserved, .notFound, .sessionTaken],
                .canBeDeferred
            )
        case .delete:
            VerbTraits(
                "delete",
                .task,
                .reserve,
                [.deleted, .notFound, .sessionTaken],
                .canBeDeferred
            )
        case .release:
            VerbTraits(
                "release",
                .own,
                .reserve,
                [.released, .buried, .notFound, .sessionTaken],
                .canBeDeferred
            )
        case .bury:
            VerbTraits("bury", .own, .reserve, [.buried, .notFound, .sessionTaken], .canBeDeferred)
        case .touch:
            VerbTraits(
                "touch",
                .task,
                .reserve,
                [.touched, .notFound, .sessionTaken],
                .canBeDeferred
            )
        case .watch:
            VerbTraits("watch", .tube, .reserve, .watching)
        case .ignore:
            VerbTraits("ignore", .tube, nil, [.watching, .notIgnored])
        case .peek:
            VerbTraits("peek", .task, .read, [.found, .notFound], .canBeDeferred)
        case .peekReady:
            VerbTraits("peek-ready", .bare, .read, [.found, .notFound], .canBeDeferred)
        case .peekDelayed:
            VerbTraits("peek-delayed", .bare, .read, [.found, .notFound], .canBeDeferred)
        case .peekBuried:
            VerbTraits("peek-buried", .bare, .read, [.found, .notFound], .canBeDeferred)
        case .kick:
            VerbTraits("kick", .own, .admin, .kicked, .canBeDeferred)
        case .kickJob:
            VerbTraits(
                "kick-job",
                .task,
                .admin,
                [.kickedTask, .notFound],
                .canBeDeferred
            )
        case .statsJob:
            VerbTraits("stats-job", .task, .look, [.ok, .notFound], .canBeDeferred)
        case .statsTube:
            VerbTraits("stats-tube", .tube, .look, [.ok, .notFound])
        case .stats:
            VerbTraits("stats", .bare, .look, .ok, .looksAtAllTubes)
        case .listTubes:
            VerbTraits("list-tubes", .bare, .look, .ok, .looksAtAllTubes, .answersWithList)
        case .listTubeUsed:
            VerbTraits("list-tube-used", .bare, nil, .using)
        case .listTubesWatched:
            VerbTraits("list-tubes-watched", .bare, nil, .ok, .answersWithList)
        case .pauseTube:
            VerbTraits("pause-tube", .ownWithoutSpace, .admin, [.paused, .notFound])
        case .quit:
            VerbTraits("quit", .ignored, nil, [], .endsBatch)
        case .session:
            VerbTraits("session", .own, .reserve, .session, .endsBatch)
        case .putUnique:
            VerbTraits("put-unique", .own, .put, [.put, .exists], .canBeDeferred)
        case .clearTube:
            VerbTraits("clear-tube", .own, .admin, [.cleared, .notFound], .endsBatch)
        case .breakClaim:
            VerbTraits("break-claim", .task, .admin, [.broken, .notFound], .canBeDeferred)
        case .endSession:
            VerbTraits("end-session", .own, .admin, [.ended, .notFound], .endsBatch)
        case .drainManager:
            VerbTraits("drain-manager", .own, .admin, [.draining, .notFound], .hasLongLine)
        case .undrainManager:
            VerbTraits("undrain-manager", .own, .admin, [.serving, .notFound], .hasLongLine)
        case .moveJob:
            VerbTraits("move-job", .own, .admin, [.movedTask, .notFound], .canBeDeferred, .hasLongLine)
        case .moveTube:
            VerbTraits("move-tube", .own, .admin, [.moved, .notFound], .endsBatch, .hasLongLine)
        case .editJob:
            VerbTraits("edit-job", .own, .admin, [.edited, .notFound], .canBeDeferred, .hasLongLine)
        case .inspect:
            VerbTraits("inspect", .own, .look, [.ok, .notFound], .endsBatch, .answersWithList, .hasLongLine)
        case .auth:
            VerbTraits("auth", .own, nil, .authenticated, .endsBatch)
        }
    }
}
