import Glibc
import Testing

extension LifecycleTests {
    /// What a manager tells the service manager that started it, such as systemd (sd_notify(3)).
    @Suite(.enabled(if: TestSettings.isBeanrow, "tests a manager of Beanrow"))
    struct Notifications {
        @Test func `a manager says that it is ready, drains and stops, and answers the watchdog`() throws {
            try TestBed.with(managers: 0) { bed in
                let socket = try NotifySocket()
                let manager = try bed.startManager(
                    environment: ["NOTIFY_SOCKET": socket.address, "WATCHDOG_USEC": "200000"]
                )
                try eventually("the manager is ready") {
                    socket.texts.contains("READY=1") && socket.texts.contains("STATUS=Serving at \(manager.address)")
                }
                let pings = socket.pings
                try eventually("the watchdog is answered") { socket.pings >= pings + 5 }
                manager.process.signal(SIGUSR1)
                try eventually("it drains") {
                    socket.texts.last == "STATUS=Draining at \(manager.address): new tasks are refused"
                }
                try manager.stop()
                try eventually("it stops") { socket.texts.contains("STOPPING=1") }
                let order = socket.texts.filter { $0 == "READY=1" || $0 == "STOPPING=1" }
                #expect(order == ["READY=1", "STOPPING=1"])
            }
        }

        @Test func `the watchdog of another process is not answered`() throws {
            try TestBed.with(managers: 0) { bed in
                let socket = try NotifySocket()
                let manager = try bed.startManager(
                    environment: ["NOTIFY_SOCKET": socket.address, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"]
                )
                try eventually("the manager is ready") { socket.texts.contains("READY=1") }
                try manager.stop()
                #expect(socket.pings == 0)
            }
        }

        @Test(.enabled(if: TestSettings.server == nil, "locks a file"))
        func `a manager that waits for a foreign transaction says so and answers the watchdog`() throws {
            try TestBed.with(managers: 0) { bed in
                let socket = try NotifySocket()
                let manager = try bed.startManager(
                    environment: ["NOTIFY_SOCKET": socket.address, "WATCHDOG_USEC": "200000"]
                )
                let client = try manager.connect()
                try client.ask("put 0 0 60 1\r\na", "INSERTED 1")
                let shell = try bed.start("sqlite3", ["-cmd", ".timeout 60000", bed.database], input: .pipe)
                try shell.write("BEGIN IMMEDIATE; SELECT 'locked';\n")
                #expect(shell.output.line(startingWith: "locked") == "locked")
                try client.send("put 0 0 60 1\r\nb\r\n")
                try eventually("the status tells of the wait") {
                    socket.texts.last?.hasSuffix("waiting for the transaction of another program for 5 s") == true
                }
                let pings = socket.pings
                try eventually("the watchdog is answered") { socket.pings >= pings + 5 }
                try shell.write("COMMIT;\n.quit\n")
                #expect(try client.line() == "INSERTED 2")
                try eventually("the status is as before") {
                    socket.texts.last == "STATUS=Serving at \(manager.address)"
                }
            }
        }

        @Test func `a socket of the service manager that does not exist does no harm`() throws {
            try TestBed.with(managers: 0) { bed in
                let manager = try bed.startManager(environment: ["NOTIFY_SOCKET": bed.path("missing")])
                try manager.connect().ask("put 0 0 60 1\r\na", "INSERTED 1")
                try manager.stop()
            }
        }
    }
}
