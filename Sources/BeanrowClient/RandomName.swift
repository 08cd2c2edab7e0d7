internal import TaskStore

/// Names of 128 random bits from the system.
///
/// They are unique and cannot be guessed.
enum RandomName {
    // 64 characters that are allowed at any place of a tube's name: six bits per character.
    private static let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$_".utf8)

    /// Returns 22 characters.
    static func make() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bits = UInt128(generator.next()) << 64 | UInt128(generator.next())
        return (0..<22)
            .map { _ in
                defer { bits >>= 6 }
                return characters[Int(bits & 63)]
            }
    }

    /// Returns a name for a session.
    static func session() -> SessionName {
        guard let name = SessionName(make()) else { return session() }
        return name
    }

    /// Returns the name of a tube that does not exist.
    static func tube() -> TubeName {
        guard let name = TubeName(make()) else { return tube() }
        return name
    }
}
