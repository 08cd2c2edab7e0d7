internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport
internal import TaskStore

/// The tubes that a command acts on.
struct TubeSelection: ParsableArguments {
    @Flag(help: "All tubes.")
    var all = false

    @Argument(help: ArgumentHelp("Tubes.", valueName: "tube"))
    var tubes: [TubeName] = []

    func validate() throws {
        guard all != tubes.isEmpty else { return }
        throw ValidationError(all ? "name tubes or use --all, not both" : "name at least one tube, or use --all")
    }

    /// Does something with each tube, and reports what has become of it.
    ///
    /// - Parameters:
    ///   - client: the client.
    ///   - printer: writes one row per tube.
    ///   - done: the word for success.
    ///   - action: returns whether there was such a tube.
    /// - Throws: `ExitCode`: 3 if a part was done, 1 if nothing was.
    func forEach(
        _ client: BeanrowClient,
        _ printer: Printer,
        done: String,
        _ action: (TubeName) async throws -> Bool
    ) async throws {
        var rows: [[Cell]] = []
        var missing = 0
        for tube in all ? try await client.tubes() : tubes {
            let isFound = try await action(tube)
            if !isFound { missing += 1 }
            rows.append([.text(tube.text), .text(isFound ? done : "not found")])
        }
        try await printer.print(
            Table(name: "tubes", columns: [.init("name", "TUBE"), .init("outcome")], rows: rows),
            ifEmpty: "there is no tube"
        )
        // With --all, a tube that has gone is no failure.
        guard missing > 0, !all else { return }
        throw missing == rows.count ? ExitCode.failure : Reporting.partlyDone
    }
}
