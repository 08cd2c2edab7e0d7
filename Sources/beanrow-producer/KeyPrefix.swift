internal import ArgumentParser
internal import BeanrowClient

/// The common prefix of the keys of all lines: line 17 of `import` has the key `import/17`.
struct KeyPrefix: Sendable, Hashable, ExpressibleByArgument {
    /// The prefix, without the slash.
    let text: String

    /// Reads a prefix from a command line.
    ///
    /// Fails if it cannot start a key, or leaves no room for a number.
    init?(argument: String) {
        guard UniqueKey("\(argument)/\(Int.max)") != nil else { return nil }
        text = argument
    }

    /// Returns the key of a line.
    ///
    /// - Parameter number: the number of the line, from 1.
    /// - Returns: the key; never `nil` for the number of a line.
    func key(ofLine number: Int) -> UniqueKey? {
        UniqueKey("\(text)/\(number)")
    }
}
