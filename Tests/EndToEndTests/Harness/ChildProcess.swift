import Foundation
import Glibc
import Synchronization

/// A program that a test started.
///
/// Its own threads wait for its end and read its output, so that the concurrency pool is not needed.
final class ChildProcess: Sendable {
    /// The end of a program.
    enum End: Equatable, Sendable {
        case exited(Int32)
        case killed(by: Int32)
    }

    /// The process id.
    let id: pid_t

    /// The command line, for messages.
    let commandLine: String

    /// The standard output so far.
    let output: Output

    /// The standard error so far.
    let errors: Output

    private let input: InputPipe
    private let end: Event<End>

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: its path, or a name looked up in `PATH`.
    ///   - arguments: without the program's name.
    ///   - input: its standard input. `nil` is an empty file.
    ///   - environment: added to the environment of the test.
    /// - Throws: an error if it cannot be started.
    init(
        _ executable: String,
        _ arguments: [String],
        input: Input = .none,
        environment: [String: String] = [:]
    ) throws {
        commandLine = ([executable] + arguments).joined(separator: " ")
        (id, output, errors, self.input) = try Self.oneAtATime.withLock { _ in
            try Self.start(executable, arguments, input: input, environment: environment)
        }
        end = Event()
        let (id, end) = (id, end)
        Thread.detachNewThread {
            // Waits without reaping. Until the process is reaped, no other process gets its id, so it may be signalled.
            var information = siginfo_t()
            while waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            end.happen {
                var status: Int32 = 0
                waitpid(id, &status, 0)
                return status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .killed(by: status & 0x7f)
            }
        }
    }

    /// Locked while pipes are made and passed on, so that no other new program inherits them.
    private static let oneAtATime = Mutex(())

    private static func start(
        _ executable: String,
        _ arguments: [String],
        input: Input,
        environment: [String: String]
    ) throws -> (id: pid_t, output: Output, errors: Output, input: InputPipe) {
        let outputPipe = try PipeEnds()
        let errorPipe = try PipeEnds()
        let inputPipe = input.isPipe ? try PipeEnds() : nil

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        switch input {
        case .none: posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        case .file(let path): posix_spawn_file_actions_addopen(&actions, 0, path, O_RDONLY, 0)
        case .pipe: posix_spawn_file_actions_adddup2(&actions, inputPipe?.reading ?? -1, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, outputPipe.writing, 1)
        posix_spawn_file_actions_adddup2(&actions, errorPipe.writing, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaultSignals = sigset_t()
        sigemptyset(&defaultSignals)
        sigaddset(&defaultSignals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaultSignals)
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var process = pid_t()
        let error = withCStrings([executable] + arguments) { argv in
            withCStrings(variables.map { "\($0)=\($1)" }) { envp in
                posix_spawnp(&process, executable, &actions, &attributes, argv, envp)
            }
        }
        close(outputPipe.writing)
        close(errorPipe.writing)
        inputPipe.map { _ = close($0.reading) }
        let output = Output(descriptor: outputPipe.reading)
        let errors = Output(descriptor: errorPipe.reading)
        let inputEnd = InputPipe(descriptor: inputPipe?.writing)
        guard error == 0 else {
            throw HarnessError("cannot start \(executable): \(String(cString: strerror(error)))")
        }
        return (process, output, errors, inputEnd)
    }

    /// Whether the program has ended.
    var hasEnded: Bool { end.value != nil }

    /// Sends a signal, unless the program has ended.
    func signal(_ number: Int32) {
        end.ifNotYet { _ = Glibc.kill(id, number) }
    }

    /// Kills the program, and waits until it has ended.
    func kill() {
        signal(SIGKILL)
        _ = end.wait(timeout: .seconds(60))
    }

    /// Writes to the program's standard input, which must be a pipe.
    func write(_ text: String) throws {
        try input.handle.withLock { try $0?.write(contentsOf: Data(text.utf8)) }
    }

    /// Ends the program's standard input, which must be a pipe.
    func closeInput() {
        input.handle.withLock {
            try? $0?.close()
            $0 = nil
        }
    }

    /// Waits until the program has ended and all its output was read.
    func waitForEnd(timeout: Duration = TestSettings.patience) throws -> End {
        guard let end = end.wait(timeout: timeout) else {
            throw HarnessError("still running after \(timeout): \(commandLine)\n\(errors.text)")
        }
        _ = output.waitForEnd(timeout: timeout)
        _ = errors.waitForEnd(timeout: timeout)
        return end
    }
}

extension ChildProcess {
    /// The standard input of a program.
    enum Input {
        case none
        case file(String)
        case pipe

        fileprivate var isPipe: Bool {
            if case .pipe = self { true } else { false }
        }
    }
}

/// Our end of a program's standard input.
private final class InputPipe: Sendable {
    let handle: Mutex<FileHandle?>

    init(descriptor: Int32?) {
        handle = Mutex(descriptor.map { FileHandle(fileDescriptor: $0, closeOnDealloc: true) })
    }
}

/// The two ends of a pipe, which other programs do not inherit.
private struct PipeEnds {
    var reading: Int32
    var writing: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw HarnessError("pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reading, writing) = (ends[0], ends[1])
    }
}

/// Calls `body` with a null-terminated array of C strings, which is valid during the call.
private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(&pointers)
}
