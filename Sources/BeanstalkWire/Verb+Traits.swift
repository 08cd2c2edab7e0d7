import TaskStore

extension Verb {
    /// The verb's row in the table of verbs.
    package var traits: VerbTraits { Self.table[Int(rawValue)] }

    private static let table: [VerbTraits] = allCases.map(\.row)

    private var row: VerbTraits {
        switch self {
        case .put:
            VerbTraits("put", .own, .put, .put, .canBeHeldBack)
        case .use:
            VerbTraits("use", .tube(Command.use), nil, .using)
        case .reserve:
            VerbTraits("reserve", .none(.reserve), .reserve, .reserve, .canBeHeldBack)
        case .reserveWithTimeout:
            VerbTraits("reserve-with-timeout", .own, .reserve, .reserve, .canBeHeldBack)
        case .reserveJob:
            VerbTraits(
                "reserve-job",
                .task(Action.claimTask),
                .reserve,
                [.reserved, .notFound, .sessionTaken],
                .canBeHeldBack
            )
        case .delete:
            VerbTraits(
                "delete",
                .task(Action.delete),
                .reserve,
                [.deleted, .notFound, .sessionTaken],
                .canBeHeldBack
            )
        case .release:
            VerbTraits(
                "release",
                .own,
                .reserve,
                [.released, .buried, .notFound, .sessionTaken],
                .canBeHeldBack
            )
        case .bury:
            VerbTraits("bury", .own, .reserve, [.buried, .notFound, .sessionTaken], .canBeHeldBack)
        case .touch:
            VerbTraits(
                "touch",
                .task(Action.touch),
                .reserve,
                [.touched, .notFound, .sessionTaken],
                .canBeHeldBack
            )
        case .watch:
            VerbTraits("watch", .tube(Command.watch), .reserve, .watching)
        case .ignore:
            VerbTraits("ignore", .tube(Command.ignore), nil, [.watching, .notIgnored])
        case .peek:
            VerbTraits("peek", .task(Action.peek), .read, [.found, .notFound], .canBeHeldBack)
        case .peekReady:
            VerbTraits("peek-ready", .none(.peekNext(.pending)), .read, [.found, .notFound], .canBeHeldBack)
        case .peekDelayed:
            VerbTraits("peek-delayed", .none(.peekNext(.delayed)), .read, [.found, .notFound], .canBeHeldBack)
        case .peekBuried:
            VerbTraits("peek-buried", .none(.peekNext(.buried)), .read, [.found, .notFound], .canBeHeldBack)
        case .kick:
            VerbTraits("kick", .own, .admin, .kicked, .canBeHeldBack)
        case .kickJob:
            VerbTraits(
                "kick-job",
                .task(Action.kickTask),
                .admin,
                [.kickedTask, .notFound],
                .canBeHeldBack
            )
        case .statsJob:
            VerbTraits("stats-job", .task(Action.taskStatistics), .look, [.ok, .notFound], .canBeHeldBack)
        case .statsTube:
            VerbTraits("stats-tube", .tube(Command.statsTube), .look, [.ok, .notFound])
        case .stats:
            VerbTraits("stats", .none(.stats), .look, .ok, .looksAtAllTubes)
        case .listTubes:
            VerbTraits("list-tubes", .none(.listTubes), .look, .ok, [.looksAtAllTubes, .answersWithList])
        case .listTubeUsed:
            VerbTraits("list-tube-used", .none(.listTubeUsed), nil, .using)
        case .listTubesWatched:
            VerbTraits("list-tubes-watched", .none(.listTubesWatched), nil, .ok, .answersWithList)
        case .pauseTube:
            VerbTraits("pause-tube", .own, .admin, [.paused, .notFound])
        case .quit:
            VerbTraits("quit", .ignored(.quit), nil, [], .endsBatch)
        case .session:
            VerbTraits("session", .own, .reserve, .session, .endsBatch)
        case .putUnique:
            VerbTraits("put-unique", .own, .put, [.put, .exists], .canBeHeldBack)
        case .clearTube:
            VerbTraits("clear-tube", .own, .admin, [.cleared, .notFound], .endsBatch)
        }
    }
}
