import Foundation
import Testing
import Transport

@Suite struct TrustedFileTests {
    private let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("beanrow-\(UUID().uuidString)")

    private func withFile(_ text: String, _ mode: Int, _ body: (String) throws -> Void) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("file").path
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        try body(path)
    }

    @Test(arguments: [0o600, 0o400, 0o640, 0o440]) func `a secret file that only its owner can write is read`(
        _ mode: Int
    ) throws {
        try withFile("content", mode) { path in
            let bytes = try TrustedFile.read(path, as: "the key", .secret)
            #expect(bytes == Array("content".utf8))
        }
    }

    @Test(arguments: [
        (0o660, "may be written"), (0o602, "may be written"), (0o644, "may be read"), (0o604, "may be read"),
    ])
    func `a secret file that others can write or read is refused`(_ mode: Int, reason: String) throws {
        try withFile("content", mode) { path in
            let error = #expect(throws: TransportError.self) { try TrustedFile.read(path, as: "the key", .secret) }
            #expect(error?.description.contains(reason) == true)
            #expect(error?.description.contains(path) == true)
        }
    }

    @Test func `a file that all may read is read if it is no secret`() throws {
        try withFile("content", 0o644) { path in
            let bytes = try TrustedFile.read(path, as: "the certificate", .readableByAll)
            #expect(bytes == Array("content".utf8))
        }
    }

    @Test func `what is not a file, empty or too large is refused`() throws {
        #expect(throws: TransportError.self) { try TrustedFile.read("/absent", as: "it", .readableByAll) }
        #expect(throws: TransportError.self) { try TrustedFile.read("/", as: "it", .readableByAll) }
        #expect(throws: TransportError.self) { try TrustedFile.read("/dev/zero", as: "it", .readableByAll) }
        try withFile("", 0o600) { path in
            #expect(throws: TransportError.self) { try TrustedFile.read(path, as: "it", .readableByAll) }
        }
        try withFile(String(repeating: "x", count: TrustedFile.longest + 1), 0o600) { path in
            #expect(throws: TransportError.self) { try TrustedFile.read(path, as: "it", .readableByAll) }
        }
    }

    @Test func `a pipe does not block the reader`() throws {
        try withFile("", 0o600) { path in
            let pipe = path + ".pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            #expect(throws: TransportError.self) { try TrustedFile.read(pipe, as: "it", .readableByAll) }
        }
    }
}
