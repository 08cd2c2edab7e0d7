/// Bodies in JSON: as text, or in base64 (RFC 4648, section 4).
enum Base64 {
    /// Returns bytes as text if they are UTF-8.
    ///
    /// - Parameters:
    ///   - bytes: the bytes.
    ///   - isCut: whether more bytes follow, so that the last character may be incomplete. Then it is left out.
    /// - Returns: `nil` if they are not UTF-8.
    static func text(_ bytes: [UInt8], isCut: Bool) -> String? {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        guard isCut else { return nil }
        for missing in 1...3 where missing <= bytes.count {
            let last = bytes[bytes.count - missing]
            if (0x80...0xBF).contains(last) { continue }
            // The first byte of a character of more bytes than there are.
            guard (0xC2...0xF4).contains(last) else { return nil }
            let length = last < 0xE0 ? 2 : last < 0xF0 ? 3 : 4
            return length > missing ? String(validating: bytes.dropLast(missing), as: UTF8.self) : nil
        }
        return nil
    }

    /// Encodes bytes, with padding and without line ends.
    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let group = (0..<3).map { index + $0 < bytes.count ? UInt32(bytes[index + $0]) : 0 }
            let bits = group[0] << 16 | group[1] << 8 | group[2]
            let digits = min(4, bytes.count - index + 1)
            for place in 0..<4 {
                text.append(place < digits ? digit(bits >> (18 - 6 * UInt32(place)) & 63) : UInt8(ascii: "="))
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ value: UInt32) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + UInt8(value)
        case 26..<52: UInt8(ascii: "a") + UInt8(value - 26)
        case 52..<62: UInt8(ascii: "0") + UInt8(value - 52)
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}
