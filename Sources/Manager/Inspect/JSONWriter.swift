/// Writes one JSON document (RFC 8259), value by value, in UTF-8.
///
/// It takes care of commas and escapes, and the caller of the order: within an object every value follows a key.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []

    /// Whether a comma has to precede the next key or element.
    private var needsComma = false

    /// Writes an object.
    ///
    /// - Parameter members: writes keys and values.
    mutating func object(_ members: (inout JSONWriter) -> Void) { enclose("{", "}", members) }

    /// Writes an array.
    ///
    /// - Parameter elements: writes the values.
    mutating func array(_ elements: (inout JSONWriter) -> Void) { enclose("[", "]", elements) }

    /// Writes a key; its value has to follow.
    mutating func key(_ name: StaticString) {
        separate()
        name.withUTF8Buffer { write(text: $0) }
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a key that is known only when the program runs; its value has to follow.
    mutating func key(text name: String) {
        separate()
        write(text: Array(name.utf8))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func null() { raw("null") }

    mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

    mutating func number(_ value: some FixedWidthInteger) { raw(String(value)) }

    /// Writes a number of thousandths as a number with three decimals, such as seconds from milliseconds.
    mutating func thousandths(_ value: Int64) {
        let digits = String(value.magnitude % 1000)
        let decimals = String(repeating: "0", count: 3 - digits.count) + digits
        raw("\(value < 0 ? "-" : "")\(value.magnitude / 1000).\(decimals)")
    }

    /// Writes a time as a number of seconds with six decimals; for times that are not negative.
    mutating func seconds(_ time: Duration) { raw(time.secondsAndMicroseconds) }

    /// Writes a text.
    mutating func string(_ text: String) {
        separate()
        write(text: Array(text.utf8))
        needsComma = true
    }

    private mutating func enclose(_ open: String, _ close: String, _ body: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(contentsOf: open.utf8)
        needsComma = false
        body(&self)
        bytes.append(contentsOf: close.utf8)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }

    private mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    /// Writes a text in quotes.
    ///
    /// What RFC 8259 asks to escape is escaped, and also DEL, and the characters of C1 and
    /// U+2028 and U+2029, which some readers take for line ends.
    private mutating func write(text: some Sequence<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in String(decoding: Array(text), as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x22: bytes.append(contentsOf: "\\\"".utf8)
            case 0x5C: bytes.append(contentsOf: "\\\\".utf8)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029:
                let digits = String(scalar.value, radix: 16)
                bytes.append(contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
            default: bytes.append(contentsOf: String(scalar).utf8)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
