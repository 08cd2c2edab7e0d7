import TaskStore

/// The options behind the fixed arguments of a command: `<name>=<value>`, separated by spaces, in any order.
///
/// Values are percent-encoded (RFC 3986, section 2.1), so a value may have any bytes. Each option appears once at most.
struct CommandOptions {
    private var values: [(name: [UInt8], value: [UInt8])] = []

    /// Makes options without a value.
    init() {}

    /// Parses the rest of a line; `nil` if a part is no option, an option appears twice, or a value is not well encoded.
    ///
    /// - Parameters:
    ///   - line: the line without CRLF.
    ///   - start: the position behind the last fixed argument: the end of the line, or a space.
    init?(_ line: Span<UInt8>, from start: Int) {
        var position = start
        while position < line.count {
            guard line[position] == UInt8.space else { return nil }
            line.skipSpaces(at: &position)
            if position == line.count { break }
            var name: [UInt8] = []
            while position < line.count, line[position] != UInt8(ascii: "="), line[position] != UInt8.space {
                name.append(line[position])
                position += 1
            }
            guard !name.isEmpty, position < line.count, line[position] == UInt8(ascii: "=") else { return nil }
            position += 1
            guard let value = PercentEncoding.decode(line, at: &position), self[name] == nil else { return nil }
            values.append((name, value))
        }
    }

    private subscript(name: [UInt8]) -> [UInt8]? { values.first { $0.name == name }?.value }

    /// Whether no option is left.
    var isEmpty: Bool { values.isEmpty }

    /// Removes an option.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - value: receives what `parse` makes of the value; it stays as it is if there is no such option.
    ///   - parse: returns `nil` if the value is not allowed.
    /// - Returns: `false` if the value is not allowed.
    mutating func take<Value>(_ name: String, into value: inout Value, _ parse: ([UInt8]) -> Value?) -> Bool {
        guard let index = values.firstIndex(where: { $0.name.elementsEqual(name.utf8) }) else { return true }
        guard let parsed = parse(values.remove(at: index).value) else { return false }
        value = parsed
        return true
    }

    /// Parses a decimal number that fills a value.
    static func number<Number: FixedWidthInteger>(_ bytes: [UInt8]) -> Number? {
        guard !bytes.isEmpty, bytes.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Number(String(decoding: bytes, as: UTF8.self))
    }

    /// Parses a text for people: valid UTF-8, 1 to 200 bytes, without control characters.
    static func text(_ bytes: [UInt8]) -> String? {
        guard (1...200).contains(bytes.count), let text = String(validating: bytes, as: UTF8.self),
            !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { return nil }
        return text
    }
}
