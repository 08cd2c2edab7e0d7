import Foundation
import Testing

extension OperatorCommandTests {
    /// docs/operating.md and the completions.
    @Suite(.enabled(if: TestSettings.isBeanrow)) struct PageTests {
        /// The commands of the transcript, each with its output.
        private func transcript() throws -> [(command: String, output: [String])] {
            let page = Executables.package.appendingPathComponent("docs/operating.md")
            let text = try String(contentsOf: page, encoding: .utf8)
            var found: [(command: String, output: [String])] = []
            for block in text.components(separatedBy: "```console\n").dropFirst() {
                for line in block.components(separatedBy: "\n```")[0].split(separator: "\n") {
                    if line.hasPrefix("$ ") {
                        found.append((String(line.dropFirst(2)), []))
                    } else {
                        found[found.count - 1].output.append(String(line))
                    }
                }
            }
            return found
        }

        @Test func `the transcript is what the commands print`() throws {
            try TestBed.with { bed in
                let commands = try transcript()
                #expect(commands.count > 5)
                for (command, expected) in commands {
                    let child = try bed.start(
                        "/bin/bash",
                        ["-c", "PATH='\(Executables.directory.path)':$PATH; \(command)"],
                        environment: ["BEANROW_MANAGERS": bed.addresses]
                    )
                    #expect(try child.waitForEnd() == .exited(0), "\(command): \(child.errors.text)")
                    #expect(child.output.lines == expected, "\(command)")
                }
            }
        }

        @Test(arguments: ["bash", "zsh", "fish"])
        func `completions are generated, and the shell loads them`(shell: String) throws {
            try TestBed.with(managers: 0) { bed in
                let script = try bed.maintain("--generate-completion-script", shell)
                #expect(script.contains("backup"))
                try script.write(toFile: bed.path("completion"), atomically: false, encoding: .utf8)
                guard try bed.run("/bin/sh", ["-c", "command -v \(shell)"]).end == .exited(0) else { return }
                let load =
                    switch shell {
                    case "bash": "source completion && complete -p beanrow"
                    case "zsh": "autoload -U compinit && compinit -D && source ./completion && echo ok"
                    default: "source ./completion; complete -c beanrow"
                    }
                let result = try bed.run(shell, ["-c", "cd '\(bed.directory.path)' && \(load)"])
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(!result.output.isEmpty)
            }
        }
    }
}
