public import ArgumentParser
internal import CPlatform
internal import Foundation

/// How a command begins, and how it ends if it cannot run.
public enum CommandStart {
    /// `EX_USAGE` of sysexits.h: the command line is wrong.
    private static let wrongCommandLine = ExitCode(64)

    /// Parses the process's arguments, runs the command and ends the process if that fails.
    ///
    /// A reader that has gone and a file that may not grow are errors of the write, and do not end the process.
    ///
    /// If the arguments were lost on the way the process ends with status 64: without arguments a command would work on
    /// its defaults, which may be another database or another queue.
    ///
    /// - Parameter command: the command to run.
    public static func run<Command: AsyncParsableCommand>(_ command: Command.Type) async {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        let name = command.configuration.commandName ?? "beanrow"
        let arguments = CommandLine.arguments
        guard areComplete(arguments, started: Int(beanrow_argument_count())) else {
            end(wrongCommandLine, saying: "\(name): the arguments were lost on the way to the program")
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
            // What was asked for, such as the help, is printed as by any other command.
            guard !code.isSuccess else { command.exit(withError: error) }
            end(code, saying: command.fullMessage(for: error))
        }
    }

    /// Returns whether the program has all arguments that the process was started with.
    ///
    /// Swift's runtime looks for them in the memory of the process. It finds none, or others, if a preloaded library has moved
    /// the environment.
    ///
    /// - Parameters:
    ///   - arguments: what the runtime has found.
    ///   - started: how many the kernel has handed over.
    /// - Returns: whether there are as many, and at least one.
    static func areComplete(_ arguments: [String], started: Int) -> Bool {
        started > 0 && arguments.count == started
    }

    /// Ends the process, after one second at the latest.
    private static func end(_ code: ExitCode, saying text: String) -> Never {
        if !text.isEmpty { LineWriter.standardError.writeLast("\(text)\n") }
        exit(code.rawValue)
    }
}
