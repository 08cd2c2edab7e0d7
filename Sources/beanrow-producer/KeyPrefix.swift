internal import ArgumentParser
internal import BeanrowClient

/// What the keys of all lines of one input begin with: line 17 of `import` has the key `import/17`.
struct KeyPrefix: Sendable, Hashable, ExpressibleByArgument {
    /// The beginning.
    let text: String

    /// Reads it from a command line; fails where it cannot begin a key, or leaves no room for a number.
    init?(argument: String) {
        guard UniqueKey("\(argument)/\(Int.max)") != nil else { return nil }
        text = argument
    }

    /// The key of a line.
    ///
    /// - Parameter number: the line's number, from 1.
    /// - Returns: the key; there always is one.
    func key(ofLine number: Int) -> UniqueKey? {
        UniqueKey("\(text)/\(number)")
    }
}
