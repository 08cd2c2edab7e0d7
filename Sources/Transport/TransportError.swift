/// The reason why a listener, a certificate or a key cannot be used: one line for a person.
public struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line.
    public let description: String

    /// Creates an error.
    public init(_ description: String) {
        self.description = description
    }

    /// Creates an error about a file.
    ///
    /// - Parameters:
    ///   - what: the use of the file, such as `the key`.
    ///   - path: its path.
    ///   - reason: what is wrong with it.
    init(_ what: String, _ path: String, _ reason: String) {
        self.init("\(what) \(path) \(reason)")
    }
}
