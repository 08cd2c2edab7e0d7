import Foundation
import Testing

/// Unchanged clients from PyPI, against two managers.
@Suite(
    .onOwnThread,
    .enabled(if: TestSettings.clientPython != nil, "tools/test installs the clients and names their Python")
)
struct ClientTests {
    @Test func `every call of greenstalk works`() throws {
        try TestBed.with(managers: 2) { bed in
            let addresses = TestSettings.isBeanrow ? bed.managers.map(\.address) : [bed.addresses, bed.addresses]
            let script = Executables.package.appendingPathComponent("Harness/clients/greenstalk_calls.py").path
            let result = try bed.run(
                try #require(TestSettings.clientPython),
                [script] + addresses,
                timeout: .seconds(300)
            )
            #expect(result.end == .exited(0), "\(result.output)\(result.errors)")
            #expect(result.output.split(separator: "\n").count == 7, "\(result.output)")
        }
    }

    @Test(.enabled(if: TestSettings.isBeanrow))
    func `every call of greenstalk works over a unix socket and over TLS`() throws {
        try TestBed.with(managers: 0) { bed in
            let certificates = try Certificates(bed)
            let socket = "unix:\(try bed.socketPath())"
            try bed.startManager(options: ["--listen", socket])
            let manager = try bed.startManager(options: certificates.issue().listening())
            let script = Executables.package.appendingPathComponent("Harness/clients/greenstalk_calls.py").path
            let address = "beanrow+tls://localhost:\(try manager.tlsPort())"
            let result = try bed.run(
                "env",
                ["SSL_CERT_FILE=\(certificates.authority)", try #require(TestSettings.clientPython), script]
                    + [socket, address],
                timeout: .seconds(300)
            )
            #expect(result.end == .exited(0), "\(result.output)\(result.errors)")
            #expect(result.output.split(separator: "\n").count == 7, "\(result.output)")
        }
    }
}
