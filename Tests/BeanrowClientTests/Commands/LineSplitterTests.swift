import Testing

@testable import beanrow_producer

@Suite struct LineSplitterTests {
    private func lines(_ chunks: [[UInt8]], longest: Int = 100) -> [LineBatch.Line] {
        var splitter = LineSplitter(longest: longest)
        var lines: [LineBatch.Line] = []
        for chunk in chunks {
            splitter.append(chunk[...])
            lines += splitter.take(upTo: 2).flatMap(\.lines)
        }
        splitter.finish()
        return lines + splitter.take(upTo: 2).flatMap(\.lines)
    }

    private func bodies(_ texts: [String]) -> [LineBatch.Line] { texts.map { .body(bytes($0)) } }

    @Test(arguments: [
        ("", []),
        ("\n", [""]),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\nb", ["a", "b"]),
        ("\n\na\n\n", ["", "", "a", ""]),
        ("a\r\nb\rc\u{0}\r\n", ["a\r", "b\rc\u{0}\r"]),
        ("äöü\nß", ["äöü", "ß"]),
    ])
    func `lines are the same for all cuts of the chunks`(_ text: String, expected: [String]) {
        let input = bytes(text)
        #expect(lines([input]) == bodies(expected))
        #expect(lines(input.map { [$0] }) == bodies(expected))
        for cut in 0...input.count {
            #expect(lines([Array(input[..<cut]), Array(input[cut...])]) == bodies(expected), "cut at \(cut)")
        }
    }

    @Test func `bytes that are no text are kept`() {
        #expect(lines([[0xFF, 0xFE], [0x00, 0x0A, 0x80]]) == [.body([0xFF, 0xFE, 0x00]), .body([0x80])])
    }

    @Test func `only the length of a long line is kept`() {
        let input = bytes("1234\n12345\n123456789\n\nabc\n12345")
        let expected: [LineBatch.Line] = [
            .body(bytes("1234")), .tooLong(5), .tooLong(9), .body([]), .body(bytes("abc")), .tooLong(5),
        ]
        #expect(lines([input], longest: 4) == expected)
        #expect(lines(input.map { [$0] }, longest: 4) == expected)
    }

    @Test func `lines are numbered across batches`() {
        var splitter = LineSplitter(longest: 9)
        splitter.append(bytes("a\nb\nc\nd")[...])
        let batches = splitter.take(upTo: 2)
        #expect(batches.map(\.firstNumber) == [1, 3])
        #expect(batches.map(\.lines.count) == [2, 1])
        #expect(splitter.take(upTo: 2).isEmpty)
        splitter.append(bytes("\n")[...])
        #expect(splitter.take(upTo: 2) == [LineBatch(firstNumber: 4, lines: [.body(bytes("d"))])])
    }
}
