internal import Synchronization
internal import Transport

/// The certificates of a client's connections.
///
/// Without options for TLS, the CAs of the system are used. Reading them takes a while, so it is done once, and only if
/// an address needs them.
final class TLSChoice: Sendable {
    private let chosen: ClientTLS?
    private let system = Mutex<ClientTLS?>(nil)

    init(_ chosen: ClientTLS?) {
        self.chosen = chosen
    }

    /// Returns the certificates for an address.
    ///
    /// - Returns: the certificates; `nil` if the address has no TLS, or if the CAs of the system cannot be read.
    func get(ifNeededFor address: ManagerAddress) -> ClientTLS? {
        guard address.hasTLS else { return nil }
        if let chosen { return chosen }
        return system.withLock { system in
            if system == nil { system = try? ClientTLS() }
            return system
        }
    }
}
