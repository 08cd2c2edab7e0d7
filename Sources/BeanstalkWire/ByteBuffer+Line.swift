import NIOCore
import TaskStore

/// The parts of the lines of both directions, written without a temporary `String`.
extension ByteBuffer {
    /// Appends a number in decimal.
    mutating func writeDecimal(_ number: some FixedWidthInteger) {
        write(atMost: 20) { $0.append(number) }
    }

    /// Appends a word and CRLF.
    mutating func writeLine(_ word: StaticString) {
        write(atMost: word.utf8CodeUnitCount + 2) {
            $0.append(word)
            $0.appendLineEnd()
        }
    }

    /// Appends a word with its space, a number and CRLF.
    mutating func writeLine(_ word: StaticString, _ number: some FixedWidthInteger) {
        write(atMost: word.utf8CodeUnitCount + 22) {
            $0.append(word)
            $0.append(number)
            $0.appendLineEnd()
        }
    }

    /// Appends a word with its space, a tube and CRLF.
    mutating func writeLine(_ word: StaticString, _ tube: TubeName) {
        writeStaticString(word)
        writeString(tube.text)
        writeLineEnd()
    }

    /// Appends a space and a number.
    mutating func writeArgument(_ number: some FixedWidthInteger) {
        write(atMost: 21) {
            $0.append(UInt8.space)
            $0.append(number)
        }
    }

    /// Appends a space and a text.
    mutating func writeArgument(_ text: String) {
        writeInteger(UInt8.space)
        writeString(text)
    }

    /// Appends the length of a chunk, CRLF, the chunk, and CRLF.
    mutating func writeChunk(_ bytes: [UInt8]) {
        write(atMost: bytes.count + 24) { $0.append(chunk: bytes) }
    }

    /// Appends a word with its space, a number, a space, and a chunk with its length.
    mutating func writeChunk(_ bytes: [UInt8], after word: StaticString, _ number: Int64) {
        write(atMost: word.utf8CodeUnitCount + bytes.count + 45) {
            $0.append(word)
            $0.append(number)
            $0.append(UInt8.space)
            $0.append(chunk: bytes)
        }
    }

    /// Appends CRLF.
    mutating func writeLineEnd() {
        writeInteger(0x0D0A as UInt16)
    }

    /// Appends several pieces at once: each call of a buffer's own methods costs about 100 instructions in addition to
    /// the bytes.
    private mutating func write(atMost count: Int, _ body: (inout Writer) -> Void) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            var writer = Writer(bytes: bytes)
            body(&writer)
            return writer.count
        }
    }
}

/// Appends bytes to memory that has room for them.
private struct Writer {
    let bytes: UnsafeMutableRawBufferPointer

    /// The number of bytes that are written.
    private(set) var count = 0

    init(bytes: UnsafeMutableRawBufferPointer) {
        self.bytes = bytes
    }

    mutating func append(_ byte: UInt8) {
        bytes[count] = byte
        count += 1
    }

    mutating func append(_ word: StaticString) {
        word.withUTF8Buffer { append(UnsafeRawBufferPointer($0)) }
    }

    mutating func append(chunk: [UInt8]) {
        append(chunk.count)
        appendLineEnd()
        chunk.withUnsafeBytes { append($0) }
        appendLineEnd()
    }

    mutating func appendLineEnd() {
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }

    /// Appends a number; its digits are found last to first.
    mutating func append(_ number: some FixedWidthInteger) {
        if number < 0 { append(UInt8(ascii: "-")) }
        var rest = UInt64(number.magnitude)
        count += Self.decimalDigits(of: rest)
        var index = count
        repeat {
            index -= 1
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
            bytes[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: remainder)
            rest = quotient
        } while rest > 0
    }

    private mutating func append(_ other: UnsafeRawBufferPointer) {
        // Checks that they fit.
        UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).copyMemory(from: other)
        count += other.count
    }

    private static func decimalDigits(of number: UInt64) -> Int {
        var digits = 1
        var bound: UInt64 = 10
        while number >= bound {
            digits += 1
            let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { break }
            bound = next
        }
        return digits
    }
}
