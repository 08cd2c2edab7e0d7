internal import ArgumentParser
internal import BeanrowClient
internal import CommandLineSupport
internal import Foundation
internal import TaskStore

/// Turns errors into one line on standard error and an exit status.
enum Reporting {
    /// The exit status of a command that was done in part.
    static let partlyDone = ExitCode(3)

    /// Runs the work of a command.
    ///
    /// - Parameter work: the work.
    /// - Throws: `ExitCode`, after the line was written.
    static func run(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let error as ClientError {
            await Printer.say(describe(error))
            throw ExitCode.failure
        } catch let error as StoreError {
            await Printer.say(error.message)
            throw ExitCode.failure
        } catch let error as Failure {
            await Printer.say(error.message)
            throw ExitCode.failure
        }
    }

    /// Runs blocking work on a thread of its own, so that it does not block the concurrency pool.
    ///
    /// - Parameter work: the work.
    /// - Returns: its value.
    /// - Throws: its error.
    static func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
        }
    }

    /// Returns one line about an error of the client.
    static func describe(_ error: ClientError) -> String {
        let place = error.address.map { "\($0): " } ?? ""
        return switch error.code {
        case .unknownCommand:
            "\(place)this manager is older than this program and does not know the command: upgrade it"
        case .noManagerReachable:
            error.description + ": is a manager running? Say where with --managers or BEANROW_MANAGERS"
        default: error.description
        }
    }
}

/// An error of a command, in one line for a person.
struct Failure: Error {
    var message: String

    /// Creates an error.
    init(_ message: String) {
        self.message = message
    }
}
