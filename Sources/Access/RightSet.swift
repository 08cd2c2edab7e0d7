public import BeanstalkWire

/// A set of rights.
public struct RightSet: OptionSet, Hashable, Sendable, CustomStringConvertible {
    /// One bit per right.
    public let rawValue: UInt8

    /// Wraps bits.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Makes a set of one right.
    public init(_ right: Right) {
        switch right {
        case .put: self.init(rawValue: 1)
        case .reserve: self.init(rawValue: 2)
        case .look: self.init(rawValue: 4)
        case .read: self.init(rawValue: 8)
        case .admin: self.init(rawValue: 16)
        }
    }

    /// Reads the words of a tokens file, such as `put,look`; returns `nil` if one of them is no right.
    ///
    /// - Parameter words: one or more of `put`, `reserve`, `look`, `read` and `admin`, with commas between them.
    public init?(_ words: some StringProtocol) {
        self = []
        for word in words.split(separator: ",", omittingEmptySubsequences: false) {
            guard let right = Right.allCases.first(where: { String(describing: $0) == word }) else { return nil }
            insert(RightSet(right))
        }
    }

    /// Returns whether the right is in the set.
    public func contains(_ right: Right) -> Bool { contains(RightSet(right)) }

    /// The words of a tokens file.
    public var description: String {
        Right.allCases.filter { contains($0) }.map { String(describing: $0) }.joined(separator: ",")
    }
}
