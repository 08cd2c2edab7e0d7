public import TaskStore

/// One line of a tokens file.
public struct AccessLine: Sendable, CustomStringConvertible {
    /// The principal's name.
    public var name: PrincipalName

    /// What proves that a client is the principal.
    public var credential: Credential

    /// What it may do.
    public var grant: Grant

    /// Makes a line.
    public init(name: PrincipalName, credential: Credential, grant: Grant) {
        self.name = name
        self.credential = credential
        self.grant = grant
    }

    /// Reads a line; returns `nil` if it is empty or a comment.
    ///
    /// No error has text of the line in it but a name: a token that was written in place of its digest must not get
    /// into the log.
    ///
    /// - Parameters:
    ///   - bytes: the line without its end.
    ///   - number: its number in the file.
    /// - Throws: ``AccessError``.
    init?(_ bytes: some Collection<UInt8>, number: Int) throws(AccessError) {
        guard bytes.allSatisfy({ $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") || (32..<127).contains($0) })
        else {
            // A comment may have any bytes that are text.
            guard bytes.first == UInt8(ascii: "#"), !bytes.contains(0) else {
                throw AccessError("it has bytes that are not ASCII text", line: number)
            }
            return nil
        }
        let fields = String(decoding: bytes, as: UTF8.self).split { " \t\r".contains($0) }
        guard let first = fields.first, !first.hasPrefix("#") else { return nil }
        guard fields.count == 4 else {
            throw AccessError(
                "it has \(fields.count) fields instead of four: NAME, sha256:HEX or cert:NAME or uid:N, RIGHTS, TUBES",
                line: number
            )
        }
        guard let name = PrincipalName(String(first)) else {
            throw AccessError(
                "the first field is not a name of at most 100 letters, digits and -+/;.$_()",
                line: number
            )
        }
        guard let credential = Credential(fields[1]) else {
            throw AccessError(
                "the second field of \(name) is not sha256: with 64 hexadecimal digits, cert: with a name, or uid: "
                    + "with a number",
                line: number
            )
        }
        guard let rights = RightSet(fields[2]) else {
            throw AccessError(
                "the third field of \(name) is not a list of the rights put, reserve, look, read and admin, with commas",
                line: number
            )
        }
        let tubes = fields[3].split(separator: ",", omittingEmptySubsequences: false).map { TubeGlob(String($0)) }
        guard !tubes.contains(nil) else {
            throw AccessError(
                "the fourth field of \(name) is not a list of tubes, with commas; * stands for any characters",
                line: number
            )
        }
        self.init(name: name, credential: credential, grant: Grant(rights: rights, tubes: tubes.compactMap { $0 }))
    }

    /// The line as in a tokens file, without its end.
    public var description: String {
        "\(name) \(credential) \(grant.rights) \(grant.tubes.map(\.text).joined(separator: ","))"
    }
}
