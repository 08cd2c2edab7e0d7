import Foundation
import Glibc
import Testing

extension LifecycleTests {
    /// Managers with unusual standard descriptors.
    @Suite struct Outputs {
        /// Starts a manager with redirections of the shell.
        private func start(_ bed: TestBed, port: Int, _ redirections: String) throws -> ChildProcess {
            let words = ["--database", bed.database, "--listen", "127.0.0.1:\(port)", "--log-level", "trace"]
            return try bed.start("sh", ["-c", "exec \"$0\" \"$@\" \(redirections)", Executables.manager] + words)
        }

        private func connect(_ port: Int, _ manager: ChildProcess) throws -> BeanstalkSocket {
            var client: BeanstalkSocket?
            try eventually("the manager accepts connections") {
                guard !manager.hasEnded else { throw HarnessError("it ended: \(manager.errors.text)") }
                client = try? BeanstalkSocket(port: port)
                return client != nil
            }
            return try #require(client)
        }

        /// Checks that the manager serves while it has to log.
        private func expectService(_ port: Int, _ manager: ChildProcess) throws {
            let client = try connect(port, manager)
            for number in 1...300 { #expect(try client.put("task \(number)") == number) }
            for _ in 1...50 {
                let other = try BeanstalkSocket(port: port)
                try other.send("\0\u{1}nonsense\r\nput 0 0 1 99999999\r\n")
                other.close()
            }
            manager.signal(SIGUSR1)
            #expect(try client.statistics("stats")["current-jobs-ready"] == "300")
        }

        @Test(arguments: [
            "2>&-", "1>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "0<&-", ">/dev/full", "2>/dev/full",
            ">/dev/full 2>/dev/full",
        ])
        func `closed and full outputs change nothing`(redirections: String) throws {
            try TestBed.with(managers: 0) { bed in
                let port = try bed.reservePort()
                let manager = try start(bed, port: port, redirections)
                try expectService(port, manager)
                for descriptor in 0...2 {
                    guard redirections.contains("\(descriptor)>&-") || redirections.contains("\(descriptor)<&-") else {
                        continue
                    }
                    let target = try FileManager.default.destinationOfSymbolicLink(
                        atPath: "/proc/\(manager.id)/fd/\(descriptor)"
                    )
                    #expect(target == "/dev/null")
                }
                manager.signal(SIGTERM)
                #expect(try manager.waitForEnd() == .exited(0), "\(manager.errors.text)")
                try bed.expectCountsToBeRight()
            }
        }

        @Test(arguments: [">", "2>", "2>&1 >"])
        func `a full pipe without a reading process stops nothing, and a closed one neither`(redirection: String) throws
        {
            try TestBed.with(managers: 0) { bed in
                let port = try bed.reservePort()
                let path = bed.path("pipe")
                try #require(mkfifo(path, 0o600) == 0)
                let pipe = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
                try #require(pipe >= 0)
                while write(pipe, "x", 1) == 1 {}
                let manager = try start(bed, port: port, "\(redirection)\(path)")
                try expectService(port, manager)
                if redirection == "2>" {
                    // The output is not read, and the manager must end.
                    manager.signal(SIGTERM)
                    #expect(try manager.waitForEnd() == .exited(0))
                    close(pipe)
                } else {
                    close(pipe)
                    let client = try connect(port, manager)
                    #expect(try client.statistics("stats")["current-jobs-ready"] == "300")
                    manager.signal(SIGTERM)
                    #expect(try manager.waitForEnd() == .exited(0), "\(manager.errors.text)")
                }
            }
        }

        @Test func `a manager that cannot start ends with one line, even if it is not read`() throws {
            try TestBed.with(managers: 0) { bed in
                let path = bed.path("pipe")
                try #require(mkfifo(path, 0o600) == 0)
                let pipe = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
                defer { close(pipe) }
                try #require(pipe >= 0)
                while write(pipe, "x", 1) == 1 {}
                let refused = try bed.start(
                    "sh",
                    ["-c", "exec \"$0\" \"$@\" 2>\(path)", Executables.manager, "--database", "/proc/none/tasks.db"]
                )
                #expect(try refused.waitForEnd() == .exited(1))
                let wrong = try bed.start("sh", ["-c", "exec \"$0\" --none 2>\(path)", Executables.manager])
                #expect(try wrong.waitForEnd() == .exited(64))
            }
        }

        @Test(arguments: [Executables.manager, Executables.producer, Executables.consumer])
        func `no program starts without its arguments`(program: String) throws {
            try TestBed.with(managers: 0) { bed in
                // Without arguments, Linux passes one empty argument.
                let script = "cd \"$1\" && exec -a '' \"$0\""
                let result = try bed.run("bash", ["-c", script, program, bed.directory.path])
                #expect(result.end == .exited(64))
                #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
                #expect(!FileManager.default.fileExists(atPath: bed.path("tasks.db")))
            }
        }
    }
}
