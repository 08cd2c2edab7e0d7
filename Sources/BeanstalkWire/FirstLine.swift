public import NIOCore
public import TaskStore

/// The first line of a client that is not known yet.
///
/// Only `auth` and `quit` mean something there. All other bytes are never taken for commands: they may be the body of a
/// `put`, which has a header that was refused.
public enum FirstLine: Sendable, Equatable {
    /// The line has not arrived as a whole.
    case unfinished

    /// `auth` and a token; `nil` for a text that cannot be a token.
    case auth(AccessToken?)

    /// `quit`
    case quit

    /// Any other line, or more than 224 bytes.
    case other

    /// Takes the line out of a client's first bytes.
    ///
    /// - Parameter buffer: the bytes that have arrived. It is read up to the end of the line, or not at all if the line
    ///   is neither `auth` nor `quit`.
    public init(takenFrom buffer: inout ByteBuffer) {
        guard case .whole(let length) = Line(ofServer: buffer.readableBytesUInt8Span) else {
            self = Line(ofServer: buffer.readableBytesUInt8Span) == .unfinished ? .unfinished : .other
            return
        }
        switch CommandLineParser.parse(buffer.readableBytesUInt8Span.extracting(first: length)) {
        case .request(.command(.auth(let token))): self = .auth(token)
        case .request(.command(.quit)): self = .quit
        default:
            self = .other
            return
        }
        buffer.moveReaderIndex(forwardBy: length + Line.terminatorLength)
    }
}

extension Span<UInt8> {
    /// Returns the token at the end of a line; `nil` if the text cannot be a token.
    func accessToken(from start: Int) -> AccessToken? {
        AccessToken((start..<count).map { self[$0] })
    }
}
