public import ArgumentParser
internal import Glibc
public import TaskStore

/// The options that say by which token the managers know the client.
///
/// A token is never an argument: every user of the machine can read the arguments of a process.
public struct TokenOptions: ParsableArguments {
    /// The environment variable with the token, if there is no file.
    public static let variable = "BEANROW_TOKEN"

    @Option(
        help: ArgumentHelp(
            "A file with the token that managers with --tokens ask for. (default: the variable BEANROW_TOKEN)",
            valueName: "file"
        ),
        transform: Self.readToken(from:)
    )
    private var tokenFile: AccessToken?

    /// Creates options without a file.
    public init() {}

    /// Refuses a variable that cannot be a token.
    public func validate() throws {
        guard tokenFile == nil, let text = Self.text, AccessToken(text) == nil else { return }
        throw ValidationError("\(Self.variable) is not a token: 1 to 217 printable ASCII characters without spaces")
    }

    /// The token of the file, or else of the environment; `nil` if there is none.
    public var token: AccessToken? { tokenFile ?? Self.text.flatMap { AccessToken($0) } }

    /// The variable's value; `nil` if it is not set or empty.
    private static var text: String? {
        guard let value = getenv(variable) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// Reads a file that has a token in its only line.
    static func readToken(from path: String) throws -> AccessToken {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ValidationError(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        // One byte more than a token and its line end, so that a longer file is noticed.
        var bytes = [UInt8](repeating: 0, count: AccessToken.maximumLength + 3)
        var count = 0
        while count < bytes.count {
            let part = bytes[count...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if part < 0, errno == EINTR { continue }
            guard part >= 0 else { throw ValidationError(String(cString: strerror(errno))) }
            guard part > 0 else { break }
            count += part
        }
        var line = bytes[..<count]
        if line.last == UInt8(ascii: "\n") { line.removeLast() }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        guard let token = AccessToken(line) else {
            throw ValidationError("it must have one line of 1 to 217 printable ASCII characters without spaces")
        }
        return token
    }
}
