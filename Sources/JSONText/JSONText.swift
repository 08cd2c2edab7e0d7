/// Writes the parts of JSON text as bytes.
///
/// Control characters, also those above ASCII, and characters that change the direction of text are escaped. So JSON
/// that holds a task's body does nothing to a terminal.
public enum JSONText {
    private static let digits = Array("0123456789abcdef".utf8)

    /// Appends a number.
    public static func append(_ value: Int64, to bytes: inout [UInt8]) {
        guard value >= 0 else {
            bytes += Array("\(value)".utf8)
            return
        }
        let start = bytes.count
        var rest = value
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    /// Appends a text in quotation marks.
    public static func append(quoted text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { utf8 in append(quoted: UnsafeRawBufferPointer(utf8), to: &bytes) }
    }

    /// Appends a text in quotation marks.
    ///
    /// - Parameters:
    ///   - utf8: the bytes of the text, which are valid UTF-8.
    ///   - bytes: what it is appended to.
    public static func append(quoted utf8: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var start = 0
        var position = 0
        while position < utf8.count {
            guard let (length, code) = special(utf8, at: position) else {
                position += 1
                continue
            }
            bytes += utf8[start..<position]
            escape(code, to: &bytes)
            position += length
            start = position
        }
        bytes += utf8[start...]
        bytes.append(UInt8(ascii: "\""))
    }

    /// Returns the length and the code of a character that has to be escaped; `nil` if it may stay as it is.
    private static func special(_ utf8: UnsafeRawBufferPointer, at position: Int) -> (length: Int, code: UInt32)? {
        switch utf8[position] {
        case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x7F:
            return (1, UInt32(utf8[position]))
        case 0xC2 where position + 1 < utf8.count && utf8[position + 1] < 0xA0:
            return (2, UInt32(utf8[position + 1]))
        case 0xE2 where position + 2 < utf8.count:
            let code = 0x2000 | UInt32(utf8[position + 1] & 0x3F) << 6 | UInt32(utf8[position + 2] & 0x3F)
            switch code {
            case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: return (3, code)
            default: return nil
            }
        default:
            return nil
        }
    }

    private static func escape(_ code: UInt32, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\\"))
        switch code {
        case 0x22, 0x5C: bytes.append(UInt8(code))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            bytes.append(UInt8(ascii: "u"))
            for shift: UInt32 in [12, 8, 4, 0] { bytes.append(digits[Int(code >> shift & 0xF)]) }
        }
    }
}
