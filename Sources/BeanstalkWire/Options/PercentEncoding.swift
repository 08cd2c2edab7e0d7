/// The encoding of option values (RFC 3986, section 2.1).
///
/// `%` and two hexadecimal digits stand for a byte that is not allowed.
enum PercentEncoding {
    /// Decodes up to a space or the end of the line.
    ///
    /// - Parameters:
    ///   - line: the line.
    ///   - position: the first byte; moved behind the last one.
    /// - Returns: `nil` if a `%` is not followed by two digits, or a byte is not printable ASCII.
    static func decode(_ line: Span<UInt8>, at position: inout Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while position < line.count, line[position] != UInt8.space {
            let byte = line[position]
            guard (0x21...0x7E).contains(byte) else { return nil }
            if byte == UInt8(ascii: "%") {
                guard position + 2 < line.count, let high = digit(line[position + 1]),
                    let low = digit(line[position + 2])
                else { return nil }
                bytes.append(high << 4 | low)
                position += 3
            } else {
                bytes.append(byte)
                position += 1
            }
        }
        return bytes
    }

    /// Encodes all bytes except the unreserved ones (RFC 3986, section 2.3) and `/`, which is part of many tube names.
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            if isPlain(byte) {
                text.append(byte)
            } else {
                text.append(UInt8(ascii: "%"))
                text.append(hexadecimal(byte >> 4))
                text.append(hexadecimal(byte & 15))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "/"):
            true
        default: false
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
    }
}
