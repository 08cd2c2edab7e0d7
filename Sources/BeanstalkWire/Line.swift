/// The start of the received bytes: a line, or a part of one.
///
/// The lines of both directions end in CRLF and have at most 224 bytes including it (protocol.txt, "BAD_FORMAT";
/// beanstalkd formats its replies into a buffer of the same size).
enum Line: Equatable {
    /// The most bytes per line, including CRLF.
    static let maximumLength = 224

    /// The most bytes per `put-unique` line, including CRLF: the line of a put with a key of 200 bytes in it.
    static let maximumLengthWithKey = 272

    /// The most bytes per line of a command with options, or with two names of tubes, including CRLF.
    static let maximumLengthWithOptions = 1024

    /// The number of bytes in CRLF.
    static let terminatorLength = 2

    /// The CRLF has not arrived.
    case unfinished

    /// A line; its length is without CRLF.
    case whole(length: Int)

    /// A line with a byte that no line may have: NUL, or CR alone. Its length is without CRLF.
    case unfit(length: Int)

    /// More bytes than a line may have, without a CRLF.
    case tooLong

    /// Looks for a client's line, which may be longer if it is a line of some commands.
    ///
    /// - Parameter bytes: the bytes that have arrived, from the start of a line.
    init(ofClient bytes: Span<UInt8>) {
        let limit = bytes.count >= Self.maximumLength ? Self.limit(of: bytes) : Self.maximumLength
        self.init(at: bytes, limit: limit)
    }

    /// Returns how long a client's line may be that begins like this.
    private static func limit(of bytes: Span<UInt8>) -> Int {
        if bytes.end(of: "put-unique ") != nil { return maximumLengthWithKey }
        let isLong = longVerbs.contains { verb in
            guard let end = bytes.end(of: verb) else { return false }
            return end < bytes.count && bytes[end] == UInt8.space
        }
        return isLong ? maximumLengthWithOptions : maximumLength
    }

    private static let longVerbs = Verb.allCases.map(\.traits).filter(\.hasLongLine).map(\.name)

    /// Looks for a server's line.
    ///
    /// - Parameter bytes: the bytes that have arrived, from the start of a line.
    init(ofServer bytes: Span<UInt8>) {
        self.init(at: bytes, limit: Self.maximumLength)
    }

    private init(at bytes: Span<UInt8>, limit: Int) {
        let end = min(bytes.count, limit)
        var fit = true
        var index = 0
        while index < end {
            let byte = bytes[index]
            index += 1
            // One comparison passes nearly every byte.
            guard byte <= UInt8.carriageReturn else { continue }
            if byte == UInt8.carriageReturn {
                if index == end { break }
                if bytes[index] == UInt8.lineFeed {
                    self = fit ? .whole(length: index - 1) : .unfit(length: index - 1)
                    return
                }
                fit = false
            } else if byte == 0 {
                fit = false
            }
        }
        self = bytes.count < limit ? .unfinished : .tooLong
    }

    /// How many bytes to drop while a line of unbounded length is being skipped.
    ///
    /// - Parameter bytes: the bytes that have arrived of the line.
    /// - Returns: the bytes to drop, and whether the line ends with them. A CR at the very end stays, since its LF may
    ///   be still to come.
    static func skipping(_ bytes: Span<UInt8>) -> (length: Int, isEnd: Bool) {
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8.carriageReturn {
                if index + 1 == bytes.count { return (index, false) }
                if bytes[index + 1] == UInt8.lineFeed { return (index + terminatorLength, true) }
            }
            index += 1
        }
        return (index, false)
    }
}

extension UInt8 {
    /// CR.
    static let carriageReturn = UInt8(ascii: "\r")

    /// LF.
    static let lineFeed = UInt8(ascii: "\n")

    /// The space character.
    static let space = UInt8(ascii: " ")
}
