import Foundation
import Glibc
import Testing

/// Managers that ask clients for a token: the real programs.
@Suite(.onOwnThread, .enabled(if: TestSettings.isBeanrow)) struct PrincipalTests {
    /// The digest of `secret-all`.
    private static let all = "sha256:29b966933827787e189bd9f467e53140aa55a3d2a1362c15d7b3f1f4db80a708"

    /// The digest of `secret-mail`.
    private static let mail = "sha256:5cced3cb682a681dfce6ebdb42bfb87801cbfc5beadcf5cdad681b02cc02e3c8"

    private static let usual = """
        all \(all) put,reserve,look,read,admin *
        mail \(mail) put,reserve mail

        """

    /// Writes a tokens file, and returns the options of a manager with it.
    private func tokens(_ bed: TestBed, _ text: String = usual) throws -> [String] {
        try text.write(toFile: bed.path("tokens"), atomically: true, encoding: .utf8)
        return ["--tokens", bed.path("tokens")]
    }

    private func run(
        _ bed: TestBed,
        _ program: String,
        _ arguments: [String],
        token: String? = nil,
        input: String? = nil
    ) throws -> (end: ChildProcess.End, output: String, errors: String) {
        var source = ChildProcess.Input.none
        if let input {
            let file = bed.path("input-\(UUID().uuidString)")
            try input.write(toFile: file, atomically: false, encoding: .utf8)
            source = .file(file)
        }
        let arguments = ["--managers", bed.addresses, "--connect-timeout", "1"] + arguments
        let environment = token.map { ["BEANROW_TOKEN": $0] } ?? [:]
        let child = try bed.start(program, arguments, input: source, environment: environment)
        let end = try child.waitForEnd(timeout: TestSettings.patience)
        return (end, child.output.text, child.errors.text)
    }

    @Test func `producers and consumers are let in with a token, from a file or the environment`() throws {
        try TestBed.with(managers: 0) { bed in
            try bed.startManager(options: try tokens(bed))
            try "secret-mail\n".write(toFile: bed.path("token"), atomically: false, encoding: .utf8)
            let put = try run(bed, Executables.producer, ["--tube", "mail"], token: "secret-mail", input: "one\ntwo\n")
            #expect(put.end == .exited(0), "\(put.errors)")
            let tubes = ["--tube", "mail", "--until-empty", "--token-file", bed.path("token")]
            let got = try run(bed, Executables.consumer, tubes)
            #expect(got.end == .exited(0), "\(got.errors)")
            #expect(got.output == "one\ntwo\n")
            let none = try run(bed, Executables.producer, [], input: "x\n")
            #expect(none.end != .exited(0))
            #expect(none.errors.contains("UNAUTHORIZED"), "\(none.errors)")
            let wrong = try run(bed, Executables.producer, [], token: "wrong", input: "x\n")
            #expect(wrong.end != .exited(0))
            #expect(wrong.errors.contains("UNAUTHORIZED"), "\(wrong.errors)")
            #expect(!wrong.errors.contains("wrong"))
            let other = try run(bed, Executables.producer, ["--tube", "film"], token: "secret-mail", input: "x\n")
            #expect(other.end != .exited(0))
            #expect(other.errors.contains("FORBIDDEN"), "\(other.errors)")
            let log = bed.managers[0].process.errors.text
            #expect(!log.contains("secret-mail") && !log.contains("wrong"), "\(log)")
        }
    }

    @Test func `a consumer's commands get no token`() throws {
        try TestBed.with(managers: 0) { bed in
            try bed.startManager(options: try tokens(bed))
            _ = try run(bed, Executables.producer, ["--tube", "mail"], token: "secret-mail", input: "x\n")
            let arguments = ["--tube", "mail", "--until-empty", "--", "sh", "-c", "echo token=$BEANROW_TOKEN; cat"]
            let result = try run(bed, Executables.consumer, arguments, token: "secret-mail")
            #expect(result.end == .exited(0), "\(result.errors)")
            #expect(result.output == "token=\nx")
        }
    }

    @Test func `a client with a token works with a manager that asks for none`() throws {
        try TestBed.with { bed in
            let put = try run(bed, Executables.producer, [], token: "secret", input: "one\n")
            #expect(put.end == .exited(0), "\(put.errors)")
        }
    }

    @Test(
        arguments: [
            ("", mode_t(0o600), "is empty"), ("mail\n", 0o600, "line 1: it has 1 fields"),
            ("all uid:0 put *\nb\n", 0o600, "line 2"), (usual, 0o666, "may be written by other users"),
        ]
    )
    func `a manager does not start with a bad file`(text: String, mode: mode_t, message: String) throws {
        try TestBed.with(managers: 0) { bed in
            let options = try tokens(bed, text)
            #expect(chmod(bed.path("tokens"), mode) == 0)
            let arguments = ["--database", bed.database, "--listen", "127.0.0.1:0"] + options
            let result = try bed.run(Executables.manager, arguments)
            #expect(result.end == .exited(78), "\(result.errors)")
            #expect(result.errors.contains(message) && result.errors.contains(bed.path("tokens")), "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: bed.path("tasks.db")))
        }
    }

    @Test func `a manager does not start if tokens would cross a network in plain text`() throws {
        try TestBed.with(managers: 0) { bed in
            let arguments = try ["--database", bed.database, "--listen", "0.0.0.0:0"] + tokens(bed)
            let result = try bed.run(Executables.manager, arguments)
            #expect(result.end == .exited(64), "\(result.errors)")
            #expect(result.errors.contains("plain text"), "\(result.errors)")
        }
    }

    @Test func `SIGHUP reads the file again, all of it or nothing`() throws {
        try TestBed.with(managers: 0) { bed in
            let manager = try bed.startManager(options: try tokens(bed))
            let (all, mail) = (try bed.connect(), try bed.connect())
            try all.send("auth secret-all\r\n")
            #expect(try all.line() == "AUTHENTICATED")
            try mail.send("auth secret-mail\r\nuse mail\r\n")
            #expect(try mail.line() == "AUTHENTICATED")
            #expect(try mail.line() == "USING mail")
            _ = try tokens(bed, "broken\n")
            manager.process.signal(SIGHUP)
            try eventually("the log says that nothing has changed") {
                manager.process.errors.text.contains("nothing has changed")
            }
            try mail.send("list-tube-used\r\n")
            #expect(try mail.line() == "USING mail")
            _ = try tokens(bed, "all \(Self.all) put,reserve,look,read,admin *\n")
            manager.process.signal(SIGHUP)
            mail.expectClosed()
            try all.send("list-tube-used\r\n")
            #expect(try all.line() == "USING default")
        }
    }

    @Test func `what an operator does is in the log`() throws {
        try TestBed.with(managers: 0) { bed in
            let manager = try bed.startManager(options: try tokens(bed))
            let client = try bed.connect()
            try client.send("auth secret-all\r\nput 0 0 60 6\r\nhidden\r\nclear-tube default ready\r\n")
            for answer in ["AUTHENTICATED", "INSERTED 1", "CLEARED 1"] { #expect(try client.line() == answer) }
            try eventually("the log has a line") { manager.process.errors.text.contains("audit") }
            let lines = manager.process.errors.text.split(separator: "\n").filter { $0.contains("audit") }
            #expect(lines.count == 1)
            for part in ["principal=all", "verb=clear-tube", "tube=default", "filter=state=pending", "count=1"] {
                #expect(lines[0].contains(part), "\(lines[0])")
            }
            #expect(!manager.process.errors.text.contains("hidden"))
        }
    }
}
