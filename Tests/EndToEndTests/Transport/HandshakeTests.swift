import Foundation
import Glibc
import Testing

/// Clients that do not do what TLS asks for.
@Suite(.onOwnThread, .enabled(if: TestSettings.isBeanrow)) struct HandshakeTests {
    private func withManager(_ body: (TestBed, ManagerProcess, Certificates) throws -> Void) throws {
        try TestBed.with(managers: 0) { bed in
            let certificates = try Certificates(bed)
            try body(bed, try bed.startManager(options: certificates.issue().listening()), certificates)
        }
    }

    @Test func `plain commands at a TLS listener are not carried out, and the connection is closed`() throws {
        try withManager { _, manager, _ in
            let socket = try BeanstalkSocket(port: manager.tlsPort())
            try socket.send("put 0 0 60 1\r\na\r\n")
            try socket.expectEnd()
            #expect(try manager.connect().statistics("stats")["total-jobs"] == "0")
        }
    }

    @Test func `a client that says nothing, and one that says it slowly, are closed after 10 seconds`() throws {
        try withManager { _, manager, _ in
            let silent = try BeanstalkSocket(port: manager.tlsPort())
            let slow = try BeanstalkSocket(port: manager.tlsPort())
            // The first bytes of a greeting, which never becomes whole.
            try slow.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
            try silent.expectEnd()
            try slow.expectEnd()
        }
    }

    @Test func `a greeting that is too large ends the connection`() throws {
        try withManager { _, manager, _ in
            let socket = try BeanstalkSocket(port: manager.tlsPort())
            // Records of 16 KB, each the next part of one message of 16 MB.
            let record: [UInt8] = [0x16, 0x03, 0x01, 0x40, 0x00]
            let message = record + [0x01, 0xff, 0xff, 0xff] + [UInt8](repeating: 0, count: 16_380)
            for _ in 0..<8 where socket.trySend(message[...]) == nil { break }
            try socket.expectEnd()
        }
    }

    @Test func `more handshakes than allowed end the oldest ones, and other clients are served`() throws {
        let count = 1_200
        let possible = ProcessFigures.raiseDescriptorLimit(to: count + 500)
        try #require(possible >= count + 500, "this process may have only \(possible) descriptors")
        try withManager { bed, manager, certificates in
            let plain = try manager.connect()
            let before = try ProcessFigures.memory(of: manager.process.id)
            let silent = try (0..<count).map { _ in try BeanstalkSocket(port: manager.tlsPort()) }
            let arguments = ["--managers", try manager.tlsAddress(), "--tls-ca", certificates.authority]
            let put = try bed.run(Executables.producer, arguments, input: "a\n")
            #expect(put.end == .exited(0), "\(put.errors)")
            #expect(try plain.put("b") == 2)
            try silent[0].expectEnd()
            let used = try ProcessFigures.memory(of: manager.process.id) - before
            #expect(used < 128 << 20 || TestSettings.isSanitized, "\(used >> 20) MiB")
            for socket in silent { socket.abort() }
        }
    }
}
