import Foundation
import Testing

/// The command `beanrow`.
@Suite(.onOwnThread) struct OperatorCommandTests {}

extension TestBed {
    /// Runs `beanrow`.
    func beanrow(
        _ arguments: String...,
        input: String? = nil
    ) throws -> (end: ChildProcess.End, output: String, errors: String) {
        try run(Executables.beanrow, arguments, input: input)
    }

    /// Runs a verb of `beanrow` with the addresses of all managers and expects success.
    ///
    /// - Returns: its standard output.
    @discardableResult
    func operate(
        _ arguments: String...,
        input: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let result = try run(Executables.beanrow, arguments + ["--managers", addresses], input: input)
        #expect(result.end == .exited(0), "\(arguments): \(result.errors)", sourceLocation: sourceLocation)
        return result.output
    }

    /// Runs a command that opens the database and expects success.
    ///
    /// - Returns: its standard output.
    @discardableResult
    func maintain(
        _ arguments: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let result = try run(Executables.beanrow, arguments)
        #expect(result.end == .exited(0), "\(arguments): \(result.errors)", sourceLocation: sourceLocation)
        return result.output
    }
}

extension String {
    /// The text as a JSON object.
    func jsonObject() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(utf8))
        return try #require(value as? [String: Any])
    }
}
