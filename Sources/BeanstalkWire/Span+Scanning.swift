import TaskStore

/// Reading text byte by byte, without a temporary `String`: a `Span` checks its bounds and copies nothing.
extension Span where Element == UInt8 {
    /// Returns the position behind a prefix; `nil` if the text does not begin with it.
    @inline(__always)
    func end(of prefix: StaticString) -> Int? {
        let length = prefix.utf8CodeUnitCount
        guard count >= length else { return nil }
        // A static string has no other access to its bytes; the pointer stays inside the closure.
        return prefix.withUTF8Buffer { literal in
            for index in 0..<length where self[index] != literal[index] {
                return nil
            }
            return length
        }
    }

    /// Returns whether this is exactly the given text.
    @inline(__always)
    func equals(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && end(of: text) != nil
    }

    /// Reads decimal digits.
    ///
    /// - Parameter position: the start of the digits; moved behind the last digit.
    /// - Returns: `nil` if there is no digit, or if the number is over 2⁶⁴−1.
    func digits(at position: inout Int) -> UInt64? {
        let start = position
        var number: UInt64 = 0
        while position < count {
            let digit = self[position] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            let (tenfold, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(UInt64(digit))
            if overflow || carry { return nil }
            number = sum
            position += 1
        }
        return position > start ? number : nil
    }

    /// Moves a position over spaces.
    @inline(__always)
    func skipSpaces(at position: inout Int) {
        while position < count, self[position] == UInt8.space { position += 1 }
    }

    /// Reads a tube name that fills a range.
    ///
    /// - Returns: `nil` if the bytes are not a valid name.
    func tubeName(in range: Range<Int>) -> TubeName? {
        withName(in: range) { TubeName($0) }
    }

    /// Reads a name of any kind that fills a range.
    ///
    /// - Returns: the result of `make` for the bytes.
    func withName<Name>(in range: Range<Int>, _ make: (UnsafeBufferPointer<UInt8>) -> Name?) -> Name? {
        // The names' own checks work on collections, which a span is not; the pointer stays inside the closure.
        extracting(range).withUnsafeBufferPointer(make)
    }
}
