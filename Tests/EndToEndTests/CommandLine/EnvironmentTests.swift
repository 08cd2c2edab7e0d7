import Foundation
import Glibc
import Testing

extension CommandLineTests {
    /// What a manager takes from its environment, and the form of its log.
    @Suite struct Environment {
        @Test func `every option of a manager has an environment variable`() throws {
            try TestBed.with(managers: 0) { bed in
                let help = try bed.run(Executables.manager, ["--help"]).output
                let names = help.matches(of: /^ +--([a-z-]+)/.anchorsMatchLineEndings())
                    .map { String($0.output.1) }
                    .filter { $0 != "version" }
                #expect(names.count > 15)
                for name in names {
                    let variable = "BEANROW_" + name.uppercased().replacingOccurrences(of: "-", with: "_")
                    // The wrong value of another option ends the manager, and then it names the variables.
                    let wrong = name == "lease" ? "--lanes=x" : "--lease=x"
                    let child = try bed.start(Executables.manager, [wrong], environment: [variable: "1"])
                    #expect(try child.waitForEnd() == .exited(64), "\(variable)")
                    #expect(child.errors.text.contains(variable), "\(child.errors.text)")
                }
            }
        }

        @Test func `the command line wins over the environment`() throws {
            try TestBed.with(managers: 0) { bed in
                let manager = try bed.startManager(
                    options: ["--max-task-size", "5"],
                    environment: ["BEANROW_MAX_TASK_SIZE": "3", "BEANROW_MAX_WATCHED": "2"]
                )
                let client = try manager.connect()
                try client.ask("put 0 0 60 5\r\nhello", "INSERTED 1")
                try client.ask("put 0 0 60 6\r\nhello!", "JOB_TOO_BIG")
                try client.ask("watch a", "WATCHING 2")
                try client.ask("watch b", "OUT_OF_MEMORY")
            }
        }

        @Test func `a log in JSON is one object per line`() throws {
            try TestBed.with(managers: 0) { bed in
                let manager = try bed.startManager(options: ["--log-format", "json"])
                manager.process.signal(SIGUSR1)
                try eventually("the manager says that it drains") {
                    manager.process.errors.text.contains("draining")
                }
                try manager.stop()
                let lines = manager.process.errors.text.split(separator: "\n")
                #expect(!lines.isEmpty)
                for line in lines {
                    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                    for key in ["time", "level", "logger", "source", "message"] {
                        #expect(object?[key] is String, "\(key) in \(line)")
                    }
                    let time = try #require(object?["time"] as? String)
                    #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
                }
            }
        }
    }
}
