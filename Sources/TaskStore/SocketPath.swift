/// The path of a unix socket, written `unix:/path`.
public struct SocketPath: Hashable, Sendable, CustomStringConvertible {
    /// The characters before the path.
    public static let prefix = "unix:"

    /// The most bytes of a path: `sockaddr_un` has room for 108 with the zero byte at the end.
    public static let longest = 107

    /// The absolute path.
    public let path: String

    /// Reads `unix:/path`.
    ///
    /// - Parameter text: the text to read.
    /// - Throws: ``AddressError`` if the path is not absolute, too long, or has bytes that no path may have.
    public init(_ text: some StringProtocol) throws(AddressError) {
        guard text.hasPrefix(Self.prefix) else { throw AddressError("a unix socket is written unix:/path") }
        let path = String(text.dropFirst(Self.prefix.count))
        guard path.hasPrefix("/"), path.utf8.last != UInt8(ascii: "/") else {
            throw AddressError("the path of a unix socket must begin with / and name a file")
        }
        guard path.utf8.count <= Self.longest else {
            throw AddressError("the path of a unix socket may have \(Self.longest) bytes, not \(path.utf8.count)")
        }
        guard path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw AddressError("the path of a unix socket must not have control characters")
        }
        self.path = path
    }

    /// The path as it is read.
    public var description: String { Self.prefix + path }
}

/// The reason why a text is no address: one line for a person.
public struct AddressError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line.
    public let description: String

    /// Creates an error.
    public init(_ description: String) {
        self.description = description
    }
}
