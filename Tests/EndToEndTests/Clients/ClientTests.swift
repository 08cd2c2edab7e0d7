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
}
