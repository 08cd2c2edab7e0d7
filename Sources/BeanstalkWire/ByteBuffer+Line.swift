import NIOCore
import TaskStore

/// The parts that lines of both directions are made of, written without a `String` on the way.
extension ByteBuffer {
    /// Appends a number in decimal.
    mutating func writeDecimal(_ number: some FixedWidthInteger) {
        if number < 0 { writeInteger(UInt8(ascii: "-")) }
        var rest = UInt64(number.magnitude)
        let count = Self.decimalDigits(of: rest)
        // Digits come last to first, which only the raw writer offers; `count` bytes are asked for and exactly they are
        // written.
        writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            var index = count
            while index > 0 {
                index -= 1
                let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
                bytes[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: remainder)
                rest = quotient
            }
            return count
        }
    }

    /// Appends a word and CRLF.
    mutating func writeLine(_ word: StaticString) {
        writeStaticString(word)
        writeLineEnd()
    }

    /// Appends a word with its space, a number and CRLF.
    mutating func writeLine(_ word: StaticString, _ number: some FixedWidthInteger) {
        writeStaticString(word)
        writeDecimal(number)
        writeLineEnd()
    }

    /// Appends a word with its space, a tube and CRLF.
    mutating func writeLine(_ word: StaticString, _ tube: TubeName) {
        writeStaticString(word)
        writeString(tube.text)
        writeLineEnd()
    }

    /// Appends a space and a number.
    mutating func writeArgument(_ number: some FixedWidthInteger) {
        writeInteger(UInt8.space)
        writeDecimal(number)
    }

    /// Appends the length of a chunk, CRLF, the chunk, and CRLF.
    mutating func writeChunk(_ bytes: [UInt8]) {
        writeDecimal(bytes.count)
        writeLineEnd()
        writeBytes(bytes)
        writeLineEnd()
    }

    /// Appends CRLF.
    mutating func writeLineEnd() {
        writeInteger(0x0D0A as UInt16)
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
