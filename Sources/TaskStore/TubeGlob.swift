/// A pattern for names of tubes: a name in which `*` stands for any bytes, also for none.
public struct TubeGlob: Hashable, Sendable, CustomStringConvertible {
    /// The pattern that all tubes match.
    public static let all = TubeGlob(unchecked: "*")

    /// The pattern as text; ASCII only.
    public let text: String

    private let bytes: [UInt8]

    /// Whether the pattern matches every name.
    public let matchesAll: Bool

    /// Checks a pattern; returns `nil` if it is not valid.
    ///
    /// - Parameter text: 1 to 200 bytes that a tube's name may have, or `*`. Like a name, it does not begin with a
    ///   hyphen.
    public init?(_ text: String) {
        // "x" can be at each place of a name, so the rest of the text is checked as a name is.
        guard TubeName.isValid(text.utf8.map { $0 == Self.star ? UInt8(ascii: "x") : $0 }) else { return nil }
        self.init(unchecked: text)
    }

    private init(unchecked text: String) {
        self.text = text
        self.bytes = Array(text.utf8)
        self.matchesAll = bytes.allSatisfy { $0 == Self.star }
    }

    private static let star = UInt8(ascii: "*")

    /// Returns whether a tube's name matches.
    ///
    /// It takes time proportional to the product of both lengths, for any pattern.
    public func matches(_ tube: TubeName) -> Bool {
        matchesAll || matches(Array(tube.text.utf8))
    }

    private func matches(_ name: [UInt8]) -> Bool {
        var (position, next) = (0, 0)
        // The last star, and the position in the name up to which it stands for bytes.
        var retry: (star: Int, position: Int)?
        while position < name.count {
            if next < bytes.count, bytes[next] == Self.star {
                retry = (next, position)
                next += 1
            } else if next < bytes.count, bytes[next] == name[position] {
                position += 1
                next += 1
            } else if let last = retry {
                retry = (last.star, last.position + 1)
                (position, next) = (last.position + 1, last.star + 1)
            } else {
                return false
            }
        }
        return bytes[next...].allSatisfy { $0 == Self.star }
    }

    /// The pattern as text.
    public var description: String { text }
}
