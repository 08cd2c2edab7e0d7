public import ArgumentParser
internal import CPlatform
internal import Glibc

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
    /// - Parameters:
    ///   - command: the command to run.
    ///   - options: the options that may also come from environment variables.
    public static func run<Command: AsyncParsableCommand>(
        _ command: Command.Type,
        environment options: EnvironmentOptions = EnvironmentOptions([])
    ) async {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        let name = command.configuration.commandName ?? "beanrow"
        let arguments = CommandLine.arguments
        guard areComplete(arguments, started: Int(beanrow_argument_count())) else {
            end(wrongCommandLine, saying: "\(name): the arguments did not reach the program")
        }
        let given = Array(arguments.dropFirst())
        let added: EnvironmentOptions.Result
        do {
            added = try options.arguments(besides: given) { name in getenv(name).map { String(cString: $0) } }
        } catch {
            end(wrongCommandLine, saying: "\(name): \(error)")
        }
        do {
            var parsed = try await command.asyncParseAsRoot(added.arguments + given)
            if var parsed = parsed as? any AsyncParsableCommand {
                try await parsed.run()
            } else {
                try parsed.run()
            }
        } catch {
            let code = command.exitCode(for: error)
            // `--help` and `--version` end with success, and go to standard output.
            guard !code.isSuccess else { command.exit(withError: error) }
            var message = command.fullMessage(for: error)
            if code == wrongCommandLine, !added.variables.isEmpty {
                message += "\nOptions were taken from the environment: \(added.variables.joined(separator: ", "))"
            }
            end(code, saying: message)
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
