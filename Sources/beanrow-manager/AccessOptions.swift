internal import Access
internal import ArgumentParser
internal import Glibc
internal import Logging
internal import Manager
internal import TaskStore

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
    func check(_ address: ManagerAddress) throws {
        guard tokens != nil, !address.isLoopback else { return }
        throw ValidationError(
            "--tokens: clients of \(address) would send their tokens in plain text; listen on a loopback address"
        )
    }

    /// Reads the file.
    ///
    /// - Returns: `nil` if there is none, so that every client may do everything.
    /// - Throws: `AccessError` with the path if it cannot be used.
    func load() throws(AccessError) -> AccessList? {
        guard let tokens else { return nil }
        return try AccessFile(path: tokens).read()
    }

    /// Returns the file as a part of a manager's `Reloader`; `nil` if there is none.
    func reloadable(_ manager: ManagerService) -> ReloadablePart? {
        guard let tokens else { return nil }
        return ReloadablePart {
            let list = try AccessFile(path: tokens).read()
            return ReloadablePart.Prepared(summary: list.summary) { manager.replaceAccess(list) }
        }
    }

    /// Warns if every host of a network can do everything.
    func warn(of address: ManagerAddress, _ logger: Logger) {
        guard tokens == nil, !address.isLoopback else { return }
        logger.warning(
            """
            every host that reaches this address can read and change all tasks: nothing is encrypted, and clients need \
            no token
            """,
            metadata: ["address": "\(address)"]
        )
    }
}

extension AccessList {
    /// One line about the list for the log, without secrets.
    var summary: String { "tokens: \(count) credentials, digest \(digest.prefix(12))" }
}

extension ManagerAddress {
    /// Whether the host is `localhost`, an IPv4 address that begins with 127, or `::1`.
    ///
    /// A name may be resolved to any address, so no other name counts.
    fileprivate var isLoopback: Bool {
        if host.lowercased() == "localhost" { return true }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        var six = in6_addr()
        guard inet_pton(AF_INET6, host, &six) == 1 else { return false }
        return withUnsafeBytes(of: six) { bytes in bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 }
    }
}
