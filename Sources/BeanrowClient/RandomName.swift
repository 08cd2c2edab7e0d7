internal import TaskStore

/// Names that nobody can guess and nobody has had before: 128 bits of the system's randomness.
enum RandomName {
    // 64 characters that a tube's name may have anywhere; six bits each.
    private static let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$_".utf8)

    /// 22 characters.
    static func make() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bits = UInt128(generator.next()) << 64 | UInt128(generator.next())
        return (0..<22)
            .map { _ in
                defer { bits >>= 6 }
                return characters[Int(bits & 63)]
            }
    }

    /// A session's name.
    static func session() -> SessionName {
        guard let name = SessionName(make()) else { return session() }
        return name
    }

    /// The name of a tube that there is not.
    static func tube() -> TubeName {
        guard let name = TubeName(make()) else { return tube() }
        return name
    }
}

/// Keys for puts, each given out once: a random name that all keys of a client begin with, and a number.
struct KeyMaker: Sendable {
    private let start = RandomName.make() + [UInt8(ascii: "/")]
    private var last: UInt64 = 0

    /// A key that was never given out before.
    mutating func next() -> UniqueKey {
        last += 1
        guard let key = UniqueKey(start + Array(String(last).utf8)) else { return next() }
        return key
    }
}
