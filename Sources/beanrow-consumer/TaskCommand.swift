internal import Subprocess
internal import SystemPackage

/// The command that is run for each task, without a shell.
struct TaskCommand: Sendable {
    /// The outcome of a command.
    enum Outcome: Sendable, Equatable {
        /// It exited with status 0.
        case succeeded

        /// It exited with another status or was killed; with a description.
        case failed(String)

        /// It could not be started; with the reason.
        case notStarted(String)
    }

    /// What a command gets about its task in its environment.
    struct Details: Sendable {
        var id: String
        var tube: String
        var attempt: Int
    }

    private static let terminationTimeout = Duration.seconds(5)

    /// The first word of the command line.
    let name: String

    private let configuration: Configuration

    /// Finds the command in `PATH`, as a shell does.
    ///
    /// - Parameter words: the command and its arguments; not empty.
    /// - Throws: `SubprocessError` if there is no such command.
    init(_ words: [String]) async throws {
        name = words[0]
        let executable =
            name.contains("/")
            ? Executable.path(FilePath(name))
            : Executable.path(try await Executable.name(name).resolveExecutablePath(in: .inherit))
        // In its own process group, so that Ctrl-C at the terminal does not stop it: the consumer lets it finish.
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: Self.terminationTimeout)
        ]
        configuration = Configuration(
            executable: executable,
            arguments: Arguments(executablePathOverride: name, remainingValues: Array(words.dropFirst())),
            environment: .inherit,
            platformOptions: options
        )
    }

    /// Runs the command and waits for its end.
    ///
    /// If the calling task is cancelled, the command gets SIGTERM, and SIGKILL five seconds later.
    ///
    /// - Parameters:
    ///   - body: its standard input. The command need not read it.
    ///   - details: the variables `BEANROW_TASK_ID`, `BEANROW_TUBE` and `BEANROW_ATTEMPT` of its environment.
    /// - Returns: the outcome.
    func run(body: [UInt8], details: Details) async -> Outcome {
        var configuration = configuration
        configuration.environment = .inherit.updating([
            "BEANROW_TASK_ID": details.id,
            "BEANROW_TUBE": details.tube,
            "BEANROW_ATTEMPT": String(details.attempt),
            // The command may be written by others than those that run the consumer.
            "BEANROW_TOKEN": nil,
        ])
        do {
            let result = try await Subprocess.run(
                configuration,
                input: .inputWriter,
                output: .currentStandardOutput,
                error: .currentStandardError
            ) { execution in
                // Not reading standard input is not a failure.
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
