internal import Access
internal import ArgumentParser
internal import Logging
internal import Manager
internal import Transport

/// The option that says which clients may do what.
struct AccessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file with principals and their rights per tube. Every client then has to be one of them.",
            discussion: """
                A line has a name, a credential (sha256:HEX of a token, cert:NAME or uid:N), rights (put, reserve, look, \
                read, admin, with commas), and tubes (* stands for any characters). SIGHUP reads the file again. \
                docs/security.md describes it.
                """,
            valueName: "file"
        )
    )
    var tokens: String?

    /// Refuses to receive tokens in plain text over a network.
    ///
    /// - Throws: `ValidationError`.
    func check(_ listeners: [Listener]) throws {
        guard tokens != nil, let exposed = listeners.first(where: { $0.isExposed && !$0.isOpen }) else { return }
        throw ValidationError(
            "--tokens: clients of \(exposed) would send their tokens in plain text; use --listen-tls or a loopback address"
        )
    }

    /// Reads the file.
    ///
    /// - Returns: `nil` if there is none, so that every client may do everything.
    /// - Throws: `TransportError` if it must not be trusted, and `AccessError` with the line if it is wrong.
    func load() throws -> AccessList? {
        try tokens.map(Self.read)
    }

    private static func read(_ path: String) throws -> AccessList {
        // The file has only digests, so all users may read it.
        let text = try TrustedFile.read(path, as: "the tokens file", .readableByAll)
        do {
            return try AccessList(text)
        } catch {
            throw AccessError(error.message, line: error.line, path: path)
        }
    }

    /// Returns the file as a part of a manager's `Reloader`; `nil` if there is none.
    func reloadable(_ manager: ManagerService) -> ReloadablePart? {
        guard let tokens else { return nil }
        return ReloadablePart {
            let list = try Self.read(tokens)
            return ReloadablePart.Prepared(summary: list.summary) { manager.replaceAccess(list) }
        }
    }

    /// Warns if every host of a network can do everything.
    func warn(of listener: Listener, _ logger: Logger) {
        guard listener.isExposed, tokens == nil || listener.isOpen else { return }
        logger.warning(
            """
            every host that reaches this address can read and change all tasks: nothing is encrypted, and clients need \
            no token
            """,
            metadata: ["address": "\(listener)"]
        )
    }
}

extension AccessList {
    /// One line about the list for the log, without secrets.
    var summary: String { "tokens: \(count) credentials, digest \(digest.prefix(12))" }
}
