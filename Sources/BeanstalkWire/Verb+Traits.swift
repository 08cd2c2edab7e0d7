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
            VerbTraits("put", .own, .put, .put, .canBeHeldBack)
        case .use:
            VerbTraits("use", .tube, nil, .using)
        case .reserve:
            VerbTraits("reserve", .bare, .reserve, .reserve, .canBeHeldBack)
        case .reserveWithTimeout:
            VerbTraits("reserve-with-timeout", .own, .reserve, .reserve, .canBeHeldBack)
        case .reserveJob:
            VerbTraits(
                "reserve-job",
                .task,
                .reserve,
                [.reserved, .notFound, .sessionTaken],
                .canBeHeldBack
            )
        case .delete:
            VerbTraits(
                "delete",
                .task,
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
                .task,
                .reserve,
                [.touched, .notFound, .sessionTaken],
                .canBeHeldBack
            )
        case .watch:
            VerbTraits("watch", .tube, .reserve, .watching)
        case .ignore:
            VerbTraits("ignore", .tube, nil, [.watching, .notIgnored])
        case .peek:
            VerbTraits("peek", .task, .read, [.found, .notFound], .canBeHeldBack)
        case .peekReady:
            VerbTraits("peek-ready", .bare, .read, [.found, .notFound], .canBeHeldBack)
        case .peekDelayed:
            VerbTraits("peek-delayed", .bare, .read, [.found, .notFound], .canBeHeldBack)
        case .peekBuried:
            VerbTraits("peek-buried", .bare, .read, [.found, .notFound], .canBeHeldBack)
        case .kick:
            VerbTraits("kick", .own, .admin, .kicked, .canBeHeldBack)
        case .kickJob:
            VerbTraits(
                "kick-job",
                .task,
                .admin,
                [.kickedTask, .notFound],
                .canBeHeldBack
            )
        case .statsJob:
            VerbTraits("stats-job", .task, .look, [.ok, .notFound], .canBeHeldBack)
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
            VerbTraits("put-unique", .own, .put, [.put, .exists], .canBeHeldBack)
        case .clearTube:
            VerbTraits("clear-tube", .own, .admin, [.cleared, .notFound], .endsBatch)
        }
    }
}
