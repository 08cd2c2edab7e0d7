internal import TaskStore

/// Generates keys for puts: one random prefix per client, then a number.
///
/// Each key is used once.
struct KeyGenerator: Sendable {
    private let prefix = RandomName.make() + [UInt8(ascii: "/")]
    private var last: UInt64 = 0

    /// Returns a new key.
    mutating func next() -> UniqueKey {
        last += 1
        guard let key = UniqueKey(prefix + Array(String(last).utf8)) else { return next() }
        return key
    }
}
