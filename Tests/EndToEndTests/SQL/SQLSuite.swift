import Foundation
import Testing

/// The database as an interface: the promises of docs/sql.md, and `beanrow sql`.
@Suite(.onOwnThread, .enabled(if: TestSettings.isSQLite, "needs SQLite's files"))
enum SQLTests {}

extension TestBed {
    /// Runs a `bash` script in the test's directory, in which the commands of the page work unchanged.
    func shell(
        _ script: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (end: ChildProcess.End, output: String, errors: String) {
        let setup = "cd \"$1\"; PATH=\"$2:$PATH\""
        return try run("bash", ["-euc", "\(setup)\n\(script)", "bash", directory.path, Executables.directory.path])
    }

    /// Runs statements with `beanrow sql`, which prints tables in boxes.
    func inspect(_ statements: String, write: Bool = false) throws -> (
        end: ChildProcess.End, output: String, errors: String
    ) {
        let file = path("statements.sql")
        try statements.write(toFile: file, atomically: false, encoding: .utf8)
        return try shell("beanrow sql \(write ? "--write" : "") < statements.sql")
    }
}
