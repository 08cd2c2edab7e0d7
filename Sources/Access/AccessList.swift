public import TaskStore

/// All principals that a manager knows: the content of a tokens file.
///
/// The file has one line per grant, with white space between four fields. `#` begins a line that is ignored.
///
/// ```
/// NAME   CREDENTIAL       RIGHTS   TUBES
/// mailer sha256:9f86d0…   put      mail,mail-*
/// worker uid:1001         reserve  mail*
/// admin  cert:ops.example put,reserve,look,read,admin *
/// ```
///
/// Several lines of one credential add up. A name may have several credentials, so that a token can be replaced while
/// both are valid. A credential belongs to one name.
public struct AccessList: Sendable {
    /// The digest of the text from which it was read, as 64 hexadecimal digits.
    ///
    /// Managers with equal digests have read the same text.
    public let digest: String

    private let principals: [Credential: Principal]
    private let names: Set<PrincipalName>

    /// Reads the text of a tokens file.
    ///
    /// - Parameter text: the bytes of the file.
    /// - Throws: ``AccessError`` with the number of the first line that is wrong, or if no line gives a right.
    public init(_ text: [UInt8]) throws(AccessError) {
        var lines: [Credential: (name: PrincipalName, grants: [Grant])] = [:]
        for (index, bytes) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            guard let line = try AccessLine(bytes, number: index + 1) else { continue }
            let known = lines[line.credential, default: (line.name, [])]
            guard known.name == line.name else {
                throw AccessError("the credential is also that of \(known.name)", line: index + 1)
            }
            guard !known.grants.contains(line.grant) else {
                throw AccessError("the line is there twice", line: index + 1)
            }
            lines[line.credential] = (line.name, known.grants + [line.grant])
        }
        guard !lines.isEmpty else { throw AccessError("it gives no rights to anyone") }
        principals = Dictionary(
            uniqueKeysWithValues: lines.map { credential, line in
                (credential, Principal(name: line.name, credential: credential, grants: line.grants))
            }
        )
        names = Set(lines.values.map(\.name))
        digest = TokenDigest(ofBytes: text).hex
    }

    /// The number of credentials.
    public var count: Int { principals.count }

    /// Returns the principal with a credential; `nil` if there is none.
    public func principal(_ credential: Credential) -> Principal? { principals[credential] }

    /// Returns the principal whose token this is; `nil` if there is none.
    public func principal(with token: AccessToken) -> Principal? { principals[.token(TokenDigest(token))] }

    /// Returns the principal that a transport has identified.
    ///
    /// - Parameter identity: what the transport has proved. Of several names of a certificate the first one counts that
    ///   has a line.
    /// - Returns: `nil` if there is none.
    public func principal(_ identity: PeerIdentity) -> Principal? {
        switch identity {
        case .anonymous: nil
        case .user(let id): principals[.user(id)]
        case .certificate(let names): names.lazy.compactMap { principals[.certificate($0)] }.first
        }
    }

    /// Returns whether a line has this name.
    public func contains(_ name: PrincipalName) -> Bool { names.contains(name) }
}
