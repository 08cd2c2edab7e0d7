internal import Subprocess
internal import SystemPackage

/// The command that is run for each task, without a shell.
struct TaskCommand: Sendable {
    /// How a command ended.
    enum Ending: Sendable, Equatable {
        /// It exited with status 0.
        case succeeded

        /// It exited otherwise or was killed; says how.
        case failed(String)

        /// It could not be started; says why.
        case notStarted(String)
    }

    /// What a command is told of its task, besides the body on its standard input.
    struct Details: Sendable {
        var id: String
        var tube: String
        var attempt: Int
    }

    private static let timeToEnd = Duration.seconds(5)

    /// The command as it was written.
    let name: String

    private let configuration: Configuration

    /// Looks for the command, as a shell would.
    ///
    /// - Parameter words: the command and its arguments; not empty.
    /// - Throws: `SubprocessError` where there is no such command.
    init(_ words: [String]) async throws {
        name = words[0]
        let executable =
            name.contains("/")
            ? Executable.path(FilePath(name))
            : Executable.path(try await Executable.name(name).resolveExecutablePath(in: .inherit))
        // A group of its own, so that Ctrl-C at the terminal is for us alone: we let commands end.
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: Self.timeToEnd)
        ]
        configuration = Configuration(
            executable: executable,
            arguments: Arguments(executablePathOverride: name, remainingValues: Array(words.dropFirst())),
            environment: .inherit,
            platformOptions: options
        )
    }

    /// Runs the command and waits for its end; where the task is cancelled the command is asked to end, and killed five
    /// seconds later.
    ///
    /// - Parameters:
    ///   - body: what it can read from its standard input. It need not read it.
    ///   - details: what stands in its environment: `BEANROW_TASK_ID`, `BEANROW_TUBE`, `BEANROW_ATTEMPT`.
    /// - Returns: how it ended.
    func run(body: [UInt8], details: Details) async -> Ending {
        var configuration = configuration
        configuration.environment = .inherit.updating([
            "BEANROW_TASK_ID": details.id,
            "BEANROW_TUBE": details.tube,
            "BEANROW_ATTEMPT": String(details.attempt),
        ])
        do {
            let result = try await Subprocess.run(
                configuration,
                input: .inputWriter,
                output: .currentStandardOutput,
                error: .currentStandardError
            ) { execution in
                // A command that does not read its input is none that failed.
                _ = try? await execution.standardInputWriter.write(body)
                try? await execution.standardInputWriter.finish()
            }
            switch result.terminationStatus {
            case .exited(0): return .succeeded
            case .exited(let code): return .failed("exit status \(code)")
            case .signaled(let signal): return .failed("signal \(signal)")
            }
        } catch let error as SubprocessError {
            return .notStarted("\(error)")
        } catch {
            return .failed("\(error)")
        }
    }
}
