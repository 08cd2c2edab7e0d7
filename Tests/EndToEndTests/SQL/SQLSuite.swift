import Foundation
import Testing

/// The database as an interface: the promises of docs/sql.md, and tools/inspect.
@Suite(.onOwnThread, .enabled(if: TestSettings.isSQLite, "needs SQLite's files"))
enum SQLTests {}

extension TestBed {
    /// The script that opens SQLite's shell.
    static var inspect: String { Executables.package.appendingPathComponent("tools/inspect").path }

    /// Runs a `bash` script in the test's directory, in which the commands of the page work unchanged.
    func shell(
        _ script: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (end: ChildProcess.End, output: String, errors: String) {
        let tools = path("tools")
        if !FileManager.default.fileExists(atPath: tools) {
            let target = Executables.package.appendingPathComponent("tools").path
            try FileManager.default.createSymbolicLink(atPath: tools, withDestinationPath: target)
        }
        return try run("bash", ["-euc", "cd \"$1\"\n\(script)", "bash", directory.path])
    }

    /// Runs statements with tools/inspect, which prints tables in boxes.
    func inspect(_ statements: String, write: Bool = false) throws -> (
        end: ChildProcess.End, output: String, errors: String
    ) {
        let file = path("statements.sql")
        try statements.write(toFile: file, atomically: false, encoding: .utf8)
        return try shell("tools/inspect \(write ? "--write" : "") < statements.sql")
    }
}
