import Foundation
import Testing

extension OperatorCommandTests {
    /// The verbs that are clients of a manager, over three managers.
    @Suite struct VerbTests {
        @Test func `a task is put, shown, buried, kicked and deleted`() throws {
            try TestBed.with(managers: 3) { bed in
                let id = try bed.operate("task", "put", "--tube", "mail", "--priority", "7", "hello").trimmed
                #expect(Int(id) != nil)
                let shown = try bed.operate("task", "show", id, "--json", "--body").jsonObject()
                #expect(shown["tube"] as? String == "mail")
                #expect(shown["state"] as? String == "pending")
                #expect(shown["priority"] as? Int == 7)
                #expect(shown["body"] as? String == "hello")
                #expect(try bed.operate("task", "bury", id).contains("buried"))
                #expect(try bed.connect(1).statistics("stats-job \(id)")["state"] == "buried")
                #expect(try bed.operate("task", "kick", id).contains("pending"))
                #expect(try bed.operate("task", "delete", id, "--dry-run").contains("would be deleted"))
                #expect(try bed.operate("task", "delete", id, "--yes").contains("deleted"))
                #expect(try bed.connect(2).peek("peek \(id)") == nil)
            }
        }

        @Test func `the bytes of a body are passed on as they are`() throws {
            try TestBed.with { bed in
                let body = "a\u{1B}[31m\r\n\u{0}\u{7F}é"
                let id = try bed.operate("task", "put", "-", input: body).trimmed
                #expect(try bed.operate("task", "show", id, "--body") == body)
                let json = try bed.operate("task", "show", id, "--body", "--json")
                #expect(!json.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x7F })
                #expect(try json.jsonObject()["body"] as? String == body)
            }
        }

        @Test func `tubes are listed, shown, paused, resumed and cleared`() throws {
            try TestBed.with(managers: 3) { bed in
                for number in 1...5 { try bed.operate("task", "put", "--tube", "mail", "\(number)") }
                try bed.operate("task", "put", "--tube", "video", "--delay", "1h", "x")
                let list = try bed.operate("tube", "list")
                #expect(list.split(separator: "\n").first?.hasPrefix("TUBE") == true)
                #expect(list.contains("mail"))
                let delayed = try bed.operate("tube", "list", "--with", "delayed", "--jsonl")
                #expect(delayed.split(separator: "\n").count == 1)
                #expect(try delayed.jsonObject()["name"] as? String == "video")
                try bed.operate("tube", "pause", "mail", "--for", "1h")
                #expect(
                    try bed.operate("tube", "show", "mail").contains("59m")
                        || bed.operate("tube", "show", "mail").contains("1h")
                )
                try bed.operate("tube", "resume", "--all")
                #expect(try bed.connect(1).statistics("stats-tube mail")["pause"] == "0")
                #expect(try bed.operate("tube", "clear", "mail", "--state", "pending", "--dry-run").hasPrefix("5 "))
                #expect(try bed.operate("tube", "clear", "mail", "--state", "pending", "--yes").hasPrefix("5 "))
                #expect(try bed.operate("tube", "list", "--with", "pending") == "")
            }
        }

        @Test func `what destroys asks, and without a terminal needs --yes`() throws {
            try TestBed.with { bed in
                let id = try bed.operate("task", "put", "--tube", "mail", "x").trimmed
                for arguments in [["task", "delete", id], ["tube", "clear", "mail", "--state", "pending"]] {
                    let result = try bed.run(Executables.beanrow, arguments + ["--managers", bed.addresses])
                    #expect(result.end == .exited(1))
                    #expect(result.errors.contains("--yes"), "\(result.errors)")
                }
                #expect(try bed.connect().peek("peek \(id)")?.body == "x")
            }
        }

        @Test func `what is not there is one line and status 1, and a part is status 3`() throws {
            try TestBed.with { bed in
                let id = try bed.operate("task", "put", "x").trimmed
                func status(_ arguments: [String]) throws -> (ChildProcess.End, String) {
                    let result = try bed.run(Executables.beanrow, arguments + ["--managers", bed.addresses])
                    return (result.end, result.errors)
                }
                for arguments in [["task", "show", "999"], ["tube", "show", "none"]] {
                    let (end, errors) = try status(arguments)
                    #expect(end == .exited(1))
                    #expect(errors.split(separator: "\n").count == 1, "\(errors)")
                }
                #expect(try status(["task", "delete", "999", "--yes"]).0 == .exited(1))
                #expect(try status(["task", "delete", id, "999", "--yes"]).0 == .exited(3))
            }
        }

        @Test(
            arguments: [
                ["task", "delete"], ["task", "delete", "x"], ["task", "show", "0"], ["tube", "pause"],
                ["tube", "pause", "a", "--all"], ["tube", "clear", "a", "--state", "claimed"],
                ["tube", "clear", "a", "--state", "some"], ["tube", "pause", "a", "--for", "1y"], ["nothing"],
                ["task", "put", "x", "--ttr", "0"], ["tube", "list", "--json", "--jsonl"],
                ["backup", "--keep", "0", "x"], ["up", "--managers", "0"], ["up", "--managers", "65"],
                ["export", "--database", "host=a password=b", "x"],
            ]
        ) func `a wrong command line gets the usage and status 64`(arguments: [String]) throws {
            try TestBed.with(managers: 0) { bed in
                let result = try bed.run(Executables.beanrow, arguments)
                #expect(result.end == .exited(64), "\(result.errors)")
                #expect(result.output == "")
                #expect(result.errors.contains("Usage: beanrow"), "\(result.errors)")
            }
        }

        @Test func `a manager that is out of reach is one line and status 1`() throws {
            try TestBed.with(managers: 0) { bed in
                let port = try bed.reservePort()
                let result = try bed.beanrow(
                    "tube",
                    "list",
                    "--managers",
                    "127.0.0.1:\(port)",
                    "--connect-timeout",
                    "0"
                )
                #expect(result.end == .exited(1))
                #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
                #expect(result.errors.contains("127.0.0.1:\(port)"))
            }
        }

        @Test func `BEANROW_MANAGERS is the default, and a wrong value is refused`() throws {
            try TestBed.with { bed in
                let child = try bed.start(
                    Executables.beanrow,
                    ["tube", "list"],
                    environment: ["BEANROW_MANAGERS": bed.addresses]
                )
                #expect(try child.waitForEnd() == .exited(0), "\(child.errors.text)")
                let wrong = try bed.start(
                    Executables.beanrow,
                    ["tube", "list"],
                    environment: ["BEANROW_MANAGERS": "a:b"]
                )
                #expect(try wrong.waitForEnd() == .exited(64))
                #expect(wrong.errors.text.contains("BEANROW_MANAGERS"))
            }
        }

        @Test func `a reader that closes the pipe is no failure`() throws {
            try TestBed.with { bed in
                let result = try bed.run(
                    "/bin/sh",
                    ["-c", "'\(Executables.beanrow)' tube list --managers \(bed.addresses); echo $? >&2"]
                )
                #expect(result.errors == "0\n")
                let closed = try bed.run(
                    "/bin/bash",
                    ["-c", "set -o pipefail; '\(Executables.beanrow)' tube list --managers \(bed.addresses) | true"]
                )
                #expect(closed.end == .exited(0))
                #expect(closed.errors == "")
            }
        }
    }
}

extension String {
    /// The text without white space around it.
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
