import Foundation
import Testing

extension OperatorCommandTests {
    /// Tests `beanrow up`.
    @Suite(.enabled(if: TestSettings.isBeanrow)) struct UpTests {
        /// Starts it and waits until the managers serve.
        private func up(_ bed: TestBed, _ arguments: String...) throws -> (child: ChildProcess, addresses: [String]) {
            let child = try bed.start(
                Executables.beanrow,
                ["up", "--database", bed.database, "--listen", "127.0.0.1:0"] + arguments
            )
            try eventually("the managers serve") { child.output.text.contains("\n") || child.hasEnded }
            let line = child.output.text.trimmed
            #expect(line.hasPrefix("listening on "), "\(child.errors.text)")
            return (child, line.dropFirst("listening on ".count).split(separator: ",").map(String.init))
        }

        @Test func `it starts three managers, says what to type next, and ends on SIGINT`() throws {
            try TestBed.with(managers: 0) { bed in
                let (child, addresses) = try up(bed)
                #expect(addresses.count == 3)
                let put = try bed.beanrow("task", "put", "hello", "--managers", addresses[0])
                #expect(put.end == .exited(0), "\(put.errors)")
                let show = try bed.beanrow("task", "show", put.output.trimmed, "--body", "--managers", addresses[2])
                #expect(show.output == "hello")
                try eventually("it says what to type") { child.errors.text.contains("Ctrl-C ends the managers") }
                #expect(child.errors.text.contains("beanrow-producer"))
                child.signal(SIGINT)
                #expect(try child.waitForEnd() == .exited(0), "\(child.errors.text)")
                for address in addresses {
                    let gone = try bed.beanrow("tube", "list", "--managers", address, "--connect-timeout", "0")
                    #expect(gone.end == .exited(1))
                }
            }
        }

        @Test func `a manager that dies starts again at the same address`() throws {
            try TestBed.with(managers: 0) { bed in
                let (child, addresses) = try up(bed, "--managers", "2")
                let found = try bed.run("pgrep", ["-f", "beanrow-manager --database \(bed.database) .*--name m2"])
                let process = try #require(Int32(found.output.trimmed))
                #expect(kill(process, SIGKILL) == 0)
                try eventually("it serves again") { child.errors.text.contains("m2 accepts connections again") }
                #expect(child.errors.text.contains("m2 ended (signal 9)"))
                #expect(try bed.beanrow("tube", "list", "--managers", addresses[1]).end == .exited(0))
                child.signal(SIGTERM)
                #expect(try child.waitForEnd() == .exited(0))
            }
        }

        @Test func `it says which program uses a port`() throws {
            try TestBed.with(managers: 1) { bed in
                let address = bed.managers[0].address
                let result = try bed.beanrow("up", "--database", bed.path("other.db"), "--listen", address)
                #expect(result.end == .exited(1))
                #expect(result.errors.contains("\(address) is in use by beanrow-manager (pid "), "\(result.errors)")
                #expect(result.errors.split(separator: "\n").count == 1)
                #expect(!FileManager.default.fileExists(atPath: bed.path("other.db")))
            }
        }

        @Test func `a database that cannot be used ends it with the manager's reason`() throws {
            try TestBed.with(managers: 0) { bed in
                let result = try bed.beanrow("up", "--database", bed.path("no/x.db"), "--listen", "127.0.0.1:0")
                #expect(result.end == .exited(1))
                #expect(result.errors.contains("there is no directory"), "\(result.errors)")
                let wrong = try bed.beanrow(
                    "up",
                    "--database",
                    bed.database,
                    "--listen",
                    "127.0.0.1:0",
                    "--",
                    "--nonsense"
                )
                #expect(wrong.end == .exited(64), "\(wrong.errors)")
            }
        }
    }
}
