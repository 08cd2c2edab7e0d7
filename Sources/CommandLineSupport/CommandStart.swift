public import ArgumentParser
internal import CPlatform
internal import Foundation

/// Starts a command, and ends the process if the command fails.
public enum CommandStart {
    /// `EX_USAGE` of sysexits.h: the command line is wrong.
    private static let wrongCommandLine = ExitCode(64)

    /// Parses the arguments of the process and runs the command.
    ///
    /// If this fails, ends the process.
    ///
    /// `SIGPIPE` and `SIGXFSZ` are ignored: a closed pipe and the largest file size are errors of the write.
    ///
    /// If the arguments did not reach the program, the process ends with status 64. Without arguments a command would
    /// use its defaults, which may be another database or another queue.
    ///
    /// - Parameter command: the command to run.
    public static func run<Command: AsyncParsableCommand>(_ command: Command.Type) async {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        let name = command.configuration.commandName ?? "beanrow"
        let arguments = CommandLine.arguments
        guard areComplete(arguments, started: Int(beanrow_argument_count())) else {
            end(wrongCommandLine, saying: "\(name): the arguments did not reach the program")
        }
        do {
            var parsed = try await command.asyncParseAsRoot(Array(arguments.dropFirst()))
            if var parsed = parsed as? any AsyncParsableCommand {
                try await parsed.run()
            } else {
                try parsed.run()
            }
        } catch {
            let code = command.exitCode(for: error)
            // `--help` and `--version` end with success, and go to standard output.
            guard !code.isSuccess else { command.exit(withError: error) }
            end(code, saying: command.fullMessage(for: error))
        }
    }

    /// Returns whether the program has all arguments that the process was started with.
    ///
    /// Swift's runtime looks for them in the memory of the process. It finds none, or others, if a preloaded library
    /// has moved the environment.
    ///
    /// - Parameters:
    ///   - arguments: the arguments that the runtime has found.
    ///   - started: the number of arguments that the kernel has passed.
    /// - Returns: `true` if both numbers are equal, and at least one.
    static func areComplete(_ arguments: [String], started: Int) -> Bool {
        started > 0 && arguments.count == started
    }

    /// Ends the process, after one second at the latest.
    private static func end(_ code: ExitCode, saying text: String) -> Never {
        if !text.isEmpty { LineWriter.standardError.writeLast("\(text)\n") }
        exit(code.rawValue)
    }
}
