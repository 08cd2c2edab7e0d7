import Foundation
import Testing

/// A certificate authority of one test, and the certificates that it signs, made with the `openssl` command.
struct Certificates {
    /// The file of a certificate, and that of its key.
    struct Pair {
        var certificate: String
        var key: String
    }

    /// The certificate of the authority.
    let authority: String

    private let bed: TestBed
    private let name: String

    /// Makes an authority.
    init(_ bed: TestBed, name: String = "ca") throws {
        self.bed = bed
        self.name = name
        authority = bed.path("\(name).crt")
        try openssl(
            ["req", "-x509"] + Self.newKey + ["-keyout", bed.path("\(name).key"), "-out", authority]
                + ["-days", "30", "-subj", "/CN=\(name)"]
        )
    }

    /// Makes a certificate.
    ///
    /// - Parameters:
    ///   - file: the name of its files; others of this name are replaced.
    ///   - commonName: the common name of its subject.
    ///   - alternatives: its subject alternative names, as openssl takes them; `nil` for none.
    ///   - days: for how long it is valid; -1 for one that has expired.
    /// - Returns: its files.
    /// - Throws: an error if openssl fails.
    func issue(
        _ file: String = "manager",
        commonName: String = "manager",
        alternatives: String? = "DNS:localhost,IP:127.0.0.1",
        days: Int = 30
    ) throws -> Pair {
        let pair = Pair(certificate: bed.path("\(file).crt"), key: bed.path("\(file).key"))
        let (request, extensions) = (bed.path("\(file).csr"), bed.path("\(file).ext"))
        try openssl(["req"] + Self.newKey + ["-keyout", pair.key, "-out", request, "-subj", "/CN=\(commonName)"])
        let lines = ["basicConstraints=CA:FALSE"] + (alternatives.map { ["subjectAltName=\($0)"] } ?? [])
        try lines.joined(separator: "\n").write(toFile: extensions, atomically: false, encoding: .utf8)
        try openssl(
            ["x509", "-req", "-in", request, "-CA", authority, "-CAkey", bed.path("\(name).key"), "-CAcreateserial"]
                + ["-days", "\(days)", "-extfile", extensions, "-out", pair.certificate]
        )
        return pair
    }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    private func openssl(_ arguments: [String]) throws {
        let result = try bed.run("openssl", arguments)
        try #require(result.end == .exited(0), "\(result.errors)")
    }
}

extension Certificates.Pair {
    /// The options of a manager that listens with TLS at a free port.
    func listening(at address: String = "127.0.0.1:0") -> [String] {
        ["--listen-tls", address, "--tls-certificate", certificate, "--tls-key", key]
    }

    /// The options of a client that shows the certificate.
    var shown: [String] { ["--tls-certificate", certificate, "--tls-key", key] }
}

extension ManagerProcess {
    /// The address of its TLS listener, as clients take it.
    func tlsAddress() throws -> String {
        let line = try #require(process.output.line(startingWith: "listening on beanrow+tls://"))
        return String(line.dropFirst("listening on ".count))
    }

    /// The port of its TLS listener.
    func tlsPort() throws -> Int {
        try #require(try tlsAddress().split(separator: ":").last.flatMap { Int($0) })
    }
}
