internal import TaskStore

/// Reads the fields of a row in PostgreSQL's text format (COPY, "File Formats").
///
/// The columns hold numbers, names without characters that are escaped, and `bytea` as `\\x` and hexadecimal digits.
struct CopyRow {
    private let row: UnsafeRawBufferPointer
    private var position = 0

    /// - Parameter row: the row with its line end.
    init(_ row: UnsafeRawBufferPointer) {
        self.row = row
    }

    /// Reads the next field as text.
    mutating func text() throws -> String {
        String(decoding: field(), as: UTF8.self)
    }

    /// Reads the next field as a number.
    mutating func number() throws -> Int64 {
        guard let number = try optionalNumber() else { throw Self.unexpected }
        return number
    }

    /// Reads the next field as a number; `nil` if it is null.
    mutating func optionalNumber() throws -> Int64? {
        let field = field()
        if field.elementsEqual("\\N".utf8) { return nil }
        var value: Int64 = 0
        let isNegative = field.first == UInt8(ascii: "-")
        for byte in field.dropFirst(isNegative ? 1 : 0) {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { throw Self.unexpected }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeToo) = product.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            guard !isTooLarge, !isTooLargeToo else { throw Self.unexpected }
            value = sum
        }
        return isNegative ? -value : value
    }

    /// Reads the next field as bytes.
    mutating func bytes() throws -> [UInt8] {
        let field = field()
        guard field.starts(with: "\\\\x".utf8), field.count % 2 == 1 else { throw Self.unexpected }
        let digits = UnsafeRawBufferPointer(rebasing: field.dropFirst(3))
        return try [UInt8](unsafeUninitializedCapacity: digits.count / 2) { bytes, count in
            for number in 0..<digits.count / 2 {
                guard let high = Self.digit(digits[2 * number]), let low = Self.digit(digits[2 * number + 1]) else {
                    throw Self.unexpected
                }
                bytes.initializeElement(at: number, to: high << 4 | low)
                count = number + 1
            }
        }
    }

    private mutating func field() -> Slice<UnsafeRawBufferPointer> {
        let rest = row[position...]
        let end = rest.firstIndex { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\n") } ?? rest.endIndex
        position = min(end + 1, row.count)
        return row[rest.startIndex..<end]
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static var unexpected: StoreError {
        StoreError(.failed, "PostgreSQL: a row is not as expected")
    }
}
