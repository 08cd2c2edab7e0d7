/// A JSON value whose members keep their order (RFC 8259).
public enum JSON: Sendable, Equatable {
    /// The literal `null`.
    case null
    case bool(Bool)
    case integer(Int64)

    /// A number with a fraction; `null` if it is not finite.
    case number(Double)
    case string(String)
    case array([JSON])
    case object([Member])

    /// A name and its value.
    public struct Member: Sendable, Equatable {
        /// The name; any text.
        public var name: String

        /// The value.
        public var value: JSON

        /// Creates a member.
        public init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// Creates an object from names and values.
    public static func object(_ members: (String, JSON)...) -> JSON {
        .object(members.map { Member($0.0, $0.1) })
    }

    /// Returns an integer, or `null` if there is none.
    public static func optional(_ value: (some BinaryInteger)?) -> JSON {
        value.map { .integer(Int64(clamping: $0)) } ?? .null
    }

    /// Returns a text, or `null` if there is none.
    public static func optional(_ value: String?) -> JSON {
        value.map { .string($0) } ?? .null
    }

    /// The value with this name, if this is an object that has one.
    public subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The value in one line.
    public var line: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The value for people: one line per member and per element, indented by two spaces, without a line end.
    public var indented: String {
        var bytes: [UInt8] = []
        write(to: &bytes, indentation: 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func write(to bytes: inout [UInt8], indentation: Int? = nil) {
        switch self {
        case .null: bytes += Array("null".utf8)
        case .bool(let value): bytes += Array((value ? "true" : "false").utf8)
        case .integer(let value): JSONText.append(value, to: &bytes)
        case .number(let value): bytes += Array((value.isFinite ? "\(value)" : "null").utf8)
        case .string(let text): JSONText.append(quoted: text, to: &bytes)
        case .array(let elements):
            Self.write("[", "]", elements.count, to: &bytes, indentation) { number, bytes, indentation in
                elements[number].write(to: &bytes, indentation: indentation)
            }
        case .object(let members):
            Self.write("{", "}", members.count, to: &bytes, indentation) { number, bytes, indentation in
                JSONText.append(quoted: members[number].name, to: &bytes)
                bytes += indentation == nil ? [UInt8(ascii: ":")] : Array(": ".utf8)
                members[number].value.write(to: &bytes, indentation: indentation)
            }
        }
    }

    private static func write(
        _ start: Unicode.Scalar,
        _ end: Unicode.Scalar,
        _ count: Int,
        to bytes: inout [UInt8],
        _ indentation: Int?,
        _ element: (Int, inout [UInt8], Int?) -> Void
    ) {
        func breakLine(_ width: Int?) {
            guard let width else { return }
            bytes.append(UInt8(ascii: "\n"))
            bytes += [UInt8](repeating: UInt8(ascii: " "), count: width)
        }
        let inner = indentation.map { $0 + 2 }
        bytes.append(UInt8(ascii: start))
        for number in 0..<count {
            if number > 0 { bytes.append(UInt8(ascii: ",")) }
            breakLine(inner)
            element(number, &bytes, inner)
        }
        if count > 0 { breakLine(indentation) }
        bytes.append(UInt8(ascii: end))
    }
}
