internal import ArgumentParser
internal import ClientCommandSupport
internal import CommandLineSupport
internal import Foundation
internal import JSONText

/// Writes data to standard output, and everything else to standard error.
struct Printer: Sendable {
    /// The form of the data.
    enum Format: Sendable {
        case table
        case json
        case jsonLines
    }

    let format: Format

    /// Writes rows.
    ///
    /// - Parameters:
    ///   - table: the rows.
    ///   - nothing: what a person is told if there are none, on standard error.
    /// - Throws: `ExitCode` if standard output cannot be written.
    func print(_ table: Table, ifEmpty nothing: String) async throws {
        switch format {
        case .json:
            try await Self.write(table.document.indented + "\n")
        case .jsonLines:
            try await Self.write(table.objects.map { $0.line + "\n" }.joined())
        case .table:
            guard !table.rows.isEmpty else { return await Self.say(nothing) }
            let width = Terminal.isOutput ? Terminal.size.columns : nil
            try await Self.write(table.lines(width: width).map { $0 + "\n" }.joined())
        }
    }

    /// Writes the result of an action.
    ///
    /// - Parameters:
    ///   - document: the result for scripts: an object.
    ///   - lines: the result for people.
    /// - Throws: `ExitCode` if standard output cannot be written.
    func print(_ document: JSON, _ lines: [String]) async throws {
        switch format {
        case .json: try await Self.write(document.indented + "\n")
        case .jsonLines: try await Self.write(document.line + "\n")
        case .table: try await Self.write(lines.map { $0 + "\n" }.joined())
        }
    }

    /// Writes to standard output.
    ///
    /// - Throws: `ExitCode`: 0 if the reader has closed the pipe, since it has what it wanted; otherwise 1.
    static func write(_ text: String) async throws {
        try await write(Array(text.utf8))
    }

    /// Writes bytes to standard output.
    ///
    /// - Throws: `ExitCode`, as ``write(_:)``.
    static func write(_ bytes: [UInt8]) async throws {
        do throws(OutputFile.Failure) {
            try await OutputFile.standardOutput.write(bytes)
        } catch {
            guard !error.isClosed else { throw ExitCode.success }
            await say("cannot write to standard output: \(error)")
            throw ExitCode.failure
        }
    }

    /// Tells a person something on standard error.
    ///
    /// - Parameter line: one line without its end. Control characters in it are made visible.
    static func say(_ line: String) async {
        await OutputFile.standardError.write("beanrow: \(Terminal.visible(line))\n")
    }
}
