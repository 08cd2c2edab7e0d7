import Foundation
import Testing

@testable import StoreMaintenance

/// The lines of an export.
@Suite struct ExportLineTests {
    private func roundTrip(_ line: ExportLine) throws -> ExportLine {
        var bytes: [UInt8] = []
        line.append(to: &bytes)
        #expect(bytes.last == UInt8(ascii: "\n"))
        #expect(!bytes.dropLast().contains(UInt8(ascii: "\n")))
        return try JSONDecoder().decode(ExportLine.self, from: Data(bytes))
    }

    @Test func `each kind is read back`() throws {
        let lines: [ExportLine] = [
            .header(ExportHeader(version: 1, export: "a-b", store: "sqlite", taken: 5, lastTask: 9)),
            .tube(
                ExportedTube(
                    name: "a/b",
                    position: 3,
                    pauses: 2,
                    pauseSeconds: 60,
                    pausedUntil: 17,
                    totalTasks: 5,
                    deletes: 1
                )
            ),
            .key(ExportedKey(tube: "a", key: "k/1", task: 7, keptUntil: nil)),
            .end(ExportEnd()),
        ]
        for line in lines { #expect(try roundTrip(line) == line) }
    }

    @Test func `every body is read back, text or not`() throws {
        var generator = SystemRandomNumberGenerator()
        let fixed: [[UInt8]] = [[], [0], Array("\"\\\u{1B}\u{2028}é\u{0}".utf8), [0xFF], [0xC3], Array("\r\n".utf8)]
        let random = (0..<200).map { _ in (0..<30).map { _ in UInt8.random(in: 0...255, using: &generator) } }
        for body in fixed + random {
            let task = ExportedTask(
                id: .max,
                tube: "t",
                state: "delayed",
                priority: 4_294_967_295,
                delay: 1,
                timeToRun: 2,
                created: 3,
                due: 4,
                buriedOrder: nil,
                reserves: 5,
                timeouts: 6,
                releases: 7,
                buries: 8,
                kicks: 9,
                isKeyed: true,
                body: body
            )
            #expect(try roundTrip(.task(task)) == .task(task))
        }
    }

    @Test(
        arguments: [
            ("\"state\":\"pending\"", "\"state\":\"claimed\""), ("\"priority\":1", "\"priority\":4294967296"),
            ("\"ttr_seconds\":1", "\"ttr_seconds\":0"), ("\"id\":1", "\"id\":0"), ("\"kicks\":0", "\"kicks\":-1"),
            ("\"state\":\"pending\"", "\"state\":\"delayed\""),
        ]
    ) func `what no database may contain is refused`(part: String, wrong: String) throws {
        let task = ExportedTask(
            id: 1,
            tube: "t",
            state: "pending",
            priority: 1,
            delay: 0,
            timeToRun: 1,
            created: 3,
            due: nil,
            buriedOrder: nil,
            reserves: 0,
            timeouts: 0,
            releases: 0,
            buries: 0,
            kicks: 0,
            isKeyed: false,
            body: []
        )
        var bytes: [UInt8] = []
        ExportLine.task(task).append(to: &bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        let changed = text.replacing(part, with: wrong)
        #expect(changed != text)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(ExportLine.self, from: Data(changed.utf8)) }
    }
}
