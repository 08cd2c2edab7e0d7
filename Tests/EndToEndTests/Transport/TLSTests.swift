import BeanrowClient
import Foundation
import Glibc
import Testing

/// TLS listeners, and the clients that use them.
@Suite(.onOwnThread, .enabled(if: TestSettings.isBeanrow)) struct TLSTests {
    @Test func `the producer and the consumer work over TLS and over a unix socket`() throws {
        try TestBed.with(managers: 0) { bed in
            let certificates = try Certificates(bed)
            let socket = "unix:\(try bed.socketPath())"
            let manager = try bed.startManager(
                options: ["--listen", socket] + certificates.issue().listening()
            )
            let trusted = ["--tls-ca", certificates.authority]
            let put = try bed.run(
                Executables.producer,
                ["--managers", try manager.tlsAddress()] + trusted,
                input: "one\ntwo\n"
            )
            #expect(put.end == .exited(0), "\(put.errors)")
            let more = try bed.run(Executables.producer, ["--managers", socket], input: "three\n")
            #expect(more.end == .exited(0), "\(more.errors)")
            let got = try bed.run(
                Executables.consumer,
                ["--managers", "\(try manager.tlsAddress()),\(socket)", "--until-empty"] + trusted
            )
            #expect(got.end == .exited(0), "\(got.errors)")
            #expect(Set(got.output.split(separator: "\n")) == ["one", "two", "three"])
            try manager.stop()
            #expect(!FileManager.default.fileExists(atPath: String(socket.dropFirst(5))))
        }
    }

    @Test func `a client refuses a manager whose certificate is not trusted or for another host`() throws {
        try TestBed.with(managers: 0) { bed in
            let certificates = try Certificates(bed)
            let other = try Certificates(bed, name: "other")
            let manager = try bed.startManager(
                options: certificates.issue(alternatives: "DNS:elsewhere.example").listening()
            )
            let address = try manager.tlsAddress()
            for (authority, reason) in [
                (other.authority, "the certificate is not trusted"),
                (certificates.authority, "the certificate is for another host"),
            ] {
                let arguments = ["--managers", address, "--tls-ca", authority, "--connect-timeout", "0"]
                let result = try bed.run(Executables.producer, arguments, input: "secret\n")
                #expect(result.end == .exited(1))
                #expect(result.errors.contains(reason), "\(result.errors)")
            }
            #expect(try manager.connect().statistics("stats")["total-jobs"] == "0")
        }
    }

    @Test func `a client certificate is required, and must be signed by the client CA`() throws {
        try TestBed.with(managers: 0) { bed in
            let certificates = try Certificates(bed)
            let clients = try Certificates(bed, name: "clients")
            let manager = try bed.startManager(
                options: certificates.issue().listening() + ["--tls-client-ca", clients.authority]
            )
            let good = try clients.issue("good", commonName: "worker", alternatives: "DNS:worker.example")
            let wrong = try certificates.issue("wrong")
            let old = try clients.issue("old", days: -1)
            let base = ["--managers", try manager.tlsAddress(), "--tls-ca", certificates.authority]
            func put(_ more: [String]) throws -> ChildProcess.End {
                try bed.run(Executables.producer, base + ["--connect-timeout", "0"] + more, input: "a\n").end
            }
            #expect(try put([]) == .exited(1))
            #expect(try put(wrong.shown) == .exited(1))
            #expect(try put(old.shown) == .exited(1))
            #expect(try put(good.shown) == .exited(0))
            // A session that is resumed has the same certificate. openssl resumes with TLS 1.2 and 1.3.
            for version in ["-tls1_2", "-tls1_3"] {
                let connect = ["s_client", "-connect", "127.0.0.1:\(try manager.tlsPort())", version, "-quiet"]
                let files = ["-cert", good.certificate, "-key", good.key, "-CAfile", certificates.authority]
                for way in ["-sess_out", "-sess_in"] {
                    let arguments = connect + files + [way, bed.path("session\(version)")]
                    let talk = try bed.run("openssl", arguments, input: "stats\r\nquit\r\n")
                    #expect(talk.output.contains("current-connections"), "\(version) \(way): \(talk.errors)")
                }
            }
            let old11 = ["s_client", "-connect", "127.0.0.1:\(try manager.tlsPort())", "-tls1_1"]
            #expect(try bed.run("openssl", old11 + good.opensslFiles).end != .exited(0))
        }
    }

    @Test func `wrong files are refused at the start with one line and status 78`() throws {
        try TestBed.with(managers: 0) { bed in
            let certificates = try Certificates(bed)
            let good = try certificates.issue()
            let other = try certificates.issue("other")
            let old = try certificates.issue("old", days: -1)
            func file(_ name: String, _ text: String, _ mode: Int) throws -> String {
                let path = bed.path(name)
                try text.write(toFile: path, atomically: false, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
                return path
            }
            let key = try String(contentsOfFile: good.key, encoding: .utf8)
            let certificate = try String(contentsOfFile: good.certificate, encoding: .utf8)
            let cases: [(Certificates.Pair, authority: String?, reason: String)] = try [
                (.init(certificate: bed.path("absent"), key: good.key), nil, "no such file"),
                (.init(certificate: good.certificate, key: bed.path("absent")), nil, "no such file"),
                (.init(certificate: bed.directory.path, key: good.key), nil, "not a regular file"),
                (.init(certificate: file("empty", "", 0o600), key: good.key), nil, "is empty"),
                (.init(certificate: file("text", "hello", 0o600), key: good.key), nil, "no certificate"),
                (.init(certificate: good.certificate, key: file("textkey", "hello", 0o600)), nil, "no private key"),
                (.init(certificate: good.certificate, key: other.key), nil, "does not fit"),
                (.init(certificate: old.certificate, key: old.key), nil, "has expired"),
                (.init(certificate: file("open.crt", certificate, 0o666), key: good.key), nil, "may be written"),
                (.init(certificate: good.certificate, key: file("open.key", key, 0o644)), nil, "may be read"),
                (good, bed.path("absent"), "no such file"),
                (good, file("noca", "no certificates here", 0o600), "no certificate"),
                (good, old.certificate, "has expired"),
            ]
            for (pair, authority, reason) in cases {
                let arguments =
                    ["--database", bed.database, "--listen", "127.0.0.1:0"] + pair.listening()
                    + (authority.map { ["--tls-client-ca", $0] } ?? [])
                let result = try bed.run(Executables.manager, arguments)
                #expect(result.end == .exited(78), "\(reason): \(result.errors)")
                #expect(result.output == "", "\(reason)")
                #expect(result.errors.contains(reason), "\(result.errors)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
                #expect(!FileManager.default.fileExists(atPath: bed.database))
            }
        }
    }

    @Test(arguments: [
        ["--listen-tls", "127.0.0.1:0"], ["--tls-certificate", "x"], ["--tls-client", "optional"],
        ["--listen-tls", "unix:/x", "--tls-certificate", "x", "--tls-key", "x"], ["--socket-mode", "660"],
        ["--listen", "unix:/" + String(repeating: "x", count: 107)], ["--listen", "unix:x"],
        ["--listen", "127.0.0.1:11300", "--listen", "127.0.0.1:11300"],
        ["--listen", "unix:/x", "--socket-group", "no such group"], ["--listen", "unix:/x", "--socket-mode", "777"],
    ])
    func `a wrong combination of options is refused with status 64`(_ options: [String]) throws {
        try TestBed.with(managers: 0) { bed in
            let result = try bed.run(Executables.manager, ["--database", bed.database] + options)
            #expect(result.end == .exited(64), "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: bed.database))
        }
    }

    @Test func `the traffic of a TLS listener has neither bodies nor replies in it`() throws {
        try TestBed.with(managers: 0) { bed in
            let certificates = try Certificates(bed)
            let manager = try bed.startManager(options: certificates.issue().listening())
            let proxy = try RecordingProxy(to: manager.tlsPort())
            defer { proxy.close() }
            let arguments = ["--managers", "beanrow+tls://localhost:\(proxy.port)", "--tls-ca", certificates.authority]
            let body = "a secret body " + String(repeating: "0123456789", count: 20_000 / 10)
            let put = try bed.run(Executables.producer, arguments, input: body + "\n")
            #expect(put.end == .exited(0), "\(put.errors)")
            let got = try bed.run(Executables.consumer, arguments + ["--until-empty"])
            #expect(got.output == body + "\n", "\(got.errors)")
            let seen = String(decoding: proxy.recorded, as: Unicode.ASCII.self)
            #expect(seen.utf8.count > 2 * body.utf8.count, "the proxy has recorded both directions")
            for word in ["secret", "0123456789", "INSERTED", "RESERVED", "DELETED", "reserve", "session"] {
                #expect(!seen.contains(word), "\(word)")
            }
            // The same search finds them on a plaintext listener.
            let plain = try RecordingProxy(to: manager.port)
            defer { plain.close() }
            let again = ["--managers", "127.0.0.1:\(plain.port)"]
            #expect(try bed.run(Executables.producer, again, input: body + "\n").end == .exited(0))
            let open = String(decoding: plain.recorded, as: Unicode.ASCII.self)
            #expect(open.contains("secret") && open.contains("INSERTED"))
        }
    }

    @Test func `SIGHUP exchanges the certificate under load, and no connection is dropped`() async throws {
        try await TestBed.with(managers: 0) { bed in
            let certificates = try Certificates(bed)
            let pair = try certificates.issue()
            let manager = try bed.startManager(options: pair.listening())
            let address = try #require(ManagerAddress(try manager.tlsAddress()))
            var options = BeanrowClient.Options()
            options.tls = try ClientTLS(authorities: certificates.authority)
            options.putsWithKeys = false
            let client = BeanrowClient(managers: [address], options: options)
            let first = try fingerprint(bed, manager)
            for round in 1...5 {
                _ = try certificates.issue()
                manager.process.signal(SIGHUP)
                for number in 1...50 {
                    // Without keys no put is repeated: a dropped connection is an error.
                    _ = try await client.put(Array("\(round) \(number)".utf8), in: .default)
                }
                // The files must not be replaced while they are read.
                try eventually("the files were read \(round) times") {
                    manager.process.errors.lines.count { $0.contains("the files were read again") } == round
                }
            }
            let before = try fingerprint(bed, manager)
            #expect(before != first)
            // A certificate that does not fit: everything stays as it was.
            try "nonsense".write(toFile: pair.key, atomically: false, encoding: .utf8)
            manager.process.signal(SIGHUP)
            _ = try #require(manager.process.errors.line(containing: "nothing has changed"))
            #expect(try fingerprint(bed, manager) == before)
            _ = try await client.put(Array("last".utf8), in: .default)
            await client.close()
            #expect(try manager.connect().statistics("stats")["total-jobs"] == "251")
            try manager.stop()
        }
    }

    @Test func `SIGHUP does not end a manager without files`() throws {
        try TestBed.with { bed in
            let client = try bed.connect()
            bed.managers[0].process.signal(SIGHUP)
            _ = try #require(bed.managers[0].process.errors.line(containing: "no files to read again"))
            #expect(try client.put("a") == 1)
        }
    }

    private func fingerprint(_ bed: TestBed, _ manager: ManagerProcess) throws -> String {
        let connect = ["s_client", "-connect", "127.0.0.1:\(try manager.tlsPort())"]
        let shown = try bed.run("openssl", connect, input: "quit\r\n").output
        let file = bed.path("shown-\(UUID().uuidString)")
        try shown.write(toFile: file, atomically: false, encoding: .utf8)
        let result = try bed.run("openssl", ["x509", "-in", file, "-noout", "-fingerprint"])
        try #require(result.end == .exited(0), "\(shown)\n\(result.errors)")
        return result.output
    }
}

extension Certificates.Pair {
    /// The options of openssl's client.
    fileprivate var opensslFiles: [String] { ["-cert", certificate, "-key", key] }
}
