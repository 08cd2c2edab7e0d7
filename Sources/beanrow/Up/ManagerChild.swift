internal import CommandLineSupport
internal import Subprocess
internal import SystemPackage

/// Runs one manager as a child process, and passes its output on.
struct ManagerChild: Sendable {
    /// The path of the program.
    let program: String

    /// Its arguments.
    let arguments: [String]

    /// What stands in front of each line of its log.
    let prefix: String

    /// Runs the manager until it ends.
    ///
    /// It is in a process group of its own, so that Ctrl-C at the terminal does not reach it: the managers are ended in
    /// order.
    ///
    /// - Parameters:
    ///   - onStart: called with a function that sends it a signal.
    ///   - onListening: called with its address when it accepts connections.
    /// - Returns: how it ended.
    func run(
        onStart: @escaping @Sendable (@escaping @Sendable (Signal) -> Void) async -> Void,
        onListening: @escaping @Sendable (String) async -> Void
    ) async -> Supervisor.Ending {
        var options = PlatformOptions()
        options.processGroupID = 0
        do {
            let result = try await Subprocess.run(
                .path(FilePath(program)),
                arguments: Arguments(arguments),
                platformOptions: options,
                input: .none,
                output: .sequence,
                error: .sequence
            ) { execution in
                await onStart { signal in try? execution.send(signal: signal) }
                let (output, errors) = (execution.standardOutput, execution.standardError)
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await Self.forEachLine(output) { await announce($0, onListening) } }
                    group.addTask { await Self.forEachLine(errors) { show($0) } }
                }
            }
            switch result.terminationStatus {
            case .exited(let status): return .exited(status)
            case .signaled(let signal): return .killed(signal)
            }
        } catch {
            return .notStarted("\(error)")
        }
    }

    private func announce(_ line: String, _ onListening: @Sendable (String) async -> Void) async {
        let words = "listening on "
        guard line.hasPrefix(words) else { return show(line) }
        await onListening(String(line.dropFirst(words.count)))
    }

    private func show(_ line: String) {
        LineWriter.standardError.write("\(prefix)\(Terminal.visible(line))\n")
    }

    private static func forEachLine(
        _ output: SubprocessOutputSequence,
        _ body: (String) async -> Void
    ) async {
        var rest: [UInt8] = []
        do {
            for try await buffer in output {
                buffer.withUnsafeBytes { rest += $0 }
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    await body(String(decoding: rest[..<end], as: UTF8.self))
                    rest.removeSubrange(...end)
                }
            }
        } catch {
            // The process has ended, or its output cannot be read any more; its end is reported.
        }
        if !rest.isEmpty { await body(String(decoding: rest, as: UTF8.self)) }
    }
}
