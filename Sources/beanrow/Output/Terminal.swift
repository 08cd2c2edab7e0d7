internal import Foundation

/// What may be written to a terminal.
enum Terminal {
    /// Returns a text without characters that a terminal would obey.
    ///
    /// Control characters become `\x1b`, and characters that change the direction of text become `\u{202e}`. A line feed
    /// is a control character too: each text is a part of one line.
    static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHidden) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            if !isHidden(scalar) {
                shown.unicodeScalars.append(scalar)
            } else if scalar.value < 0x100 {
                shown += "\\x" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16)
            } else {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return shown
    }

    /// Returns bytes as text without characters that a terminal would obey.
    ///
    /// Bytes that are no UTF-8 become `\xff`.
    static func visible(_ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        if let text = String(validating: bytes, as: UTF8.self) { return visible(text) }
        var shown = ""
        var position = 0
        while position < bytes.count {
            let length = (1...4)
                .first { length in
                    position + length <= bytes.count
                        && String(validating: bytes[position..<position + length], as: UTF8.self) != nil
                }
            if let length {
                shown += visible(String(decoding: bytes[position..<position + length], as: UTF8.self))
            } else {
                shown += "\\x" + (bytes[position] < 0x10 ? "0" : "") + String(bytes[position], radix: 16)
            }
            position += length ?? 1
        }
        return shown
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Whether standard output is a terminal.
    static var isOutput: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether a person can be asked: standard input and standard error are terminals.
    static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// Whether a descriptor may get colours: it is a terminal that knows them, and `NO_COLOR` is empty or not set.
    static func hasColours(_ descriptor: Int32) -> Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(descriptor) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// The size of the terminal of standard output: 80 × 24 if it is unknown.
    static var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
