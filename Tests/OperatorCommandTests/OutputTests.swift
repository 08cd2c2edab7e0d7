import Foundation
import JSONText
import Testing

@testable import beanrow

/// Tables, JSON, and what reaches a terminal.
@Suite struct OutputTests {
    @Test(
        arguments: [
            ("\u{1B}[31mred", "\\x1b[31mred"), ("a\nb\tc", "a\\x0ab\\x09c"), ("\u{7F}\u{9B}2J", "\\x7f\\x9b2J"),
            ("\u{202E}evil", "\\u{202e}evil"), ("Grüße 日本", "Grüße 日本"),
        ]
    ) func `control characters are made visible`(text: String, shown: String) {
        #expect(Terminal.visible(text) == shown)
    }

    @Test func `bytes that are no text are made visible`() {
        #expect(Terminal.visible([0x61, 0xFF, 0xC3, 0xA9, 0x1B, 0xE2, 0x82]) == "a\\xffé\\x1b\\xe2\\x82")
    }

    @Test func `every byte of random input is harmless in JSON and is read back`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let bytes = (0..<50).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let text = String(decoding: bytes, as: UTF8.self)
            let line = JSON.object(("text", .string(text))).line
            #expect(!line.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) })
            let read = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
            #expect(read?["text"].map { Array($0.utf8) } == Array(text.utf8))
        }
    }

    @Test func `numbers are aligned to the right, and a narrow terminal cuts lines`() {
        let table = Table(
            name: "tubes",
            columns: [.init("name"), .init("tasks"), .init("secret", hidden: true)],
            rows: [[.text("a"), .integer(5), .none], [.text("longer"), .integer(1000), .flag(true)]]
        )
        #expect(table.lines() == ["NAME    TASKS", "a           5", "longer   1000"])
        #expect(table.lines(width: 8) == ["NAME   …", "a      …", "longer …"])
        #expect(table.document.line.hasPrefix(#"{"version":1,"tubes":[{"name":"a","tasks":5,"secret":null}"#))
    }

    @Test(
        arguments: [(0.0, "0.0s"), (59.9, "59.9s"), (61, "1m1s"), (3600, "1h"), (7290, "2h1m"), (190_000, "2d4h")]
    ) func `times have the two largest units`(seconds: Double, shown: String) {
        #expect(Cell.time(seconds) == shown)
    }

    @Test(
        arguments: [("90", 90.0), ("90s", 90), ("1.5h", 5400), ("7d", 604_800), ("250ms", 0.25)]
    ) func `lengths of time are read`(text: String, seconds: Double) {
        #expect(TimeSpan(argument: text)?.seconds == seconds)
    }

    @Test(arguments: ["", "s", "-1", "1y", "1 h", "1e9", "99999d", "1..2"])
    func `other lengths of time are refused`(text: String) {
        #expect(TimeSpan(argument: text) == nil)
    }
}
