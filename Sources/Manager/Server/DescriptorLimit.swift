internal import Glibc
internal import Logging

/// The process's limit on open files.
enum DescriptorLimit {
    /// The descriptors that a manager needs besides its connections: files, and connections that are being refused.
    static let others = 128 + Admission.leavingAtMost

    /// Raises the limit as far as it is useful and allowed.
    ///
    /// - Parameters:
    ///   - wanted: the number of connections.
    ///   - handshakes: the number of TLS handshakes, which do not count as connections yet.
    ///   - logger: gets a warning if fewer are possible.
    /// - Returns: how many connections and handshakes are possible: at most as many as wanted, at least one.
    static func raise(forConnections wanted: Int, handshakes: Int, logger: Logger) -> Possible {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return Possible(connections: wanted, handshakes: handshakes) }
        let needed = rlim_t(wanted + others + handshakes)
        if limit.rlim_cur < needed {
            limit.rlim_cur = min(needed, limit.rlim_max)
            guard setrlimit(resource, &limit) == 0, getrlimit(resource, &limit) == 0 else {
                return Possible(connections: wanted, handshakes: handshakes)
            }
        }
        let possible = possible(of: wanted, handshakes: handshakes, descriptors: UInt64(limit.rlim_cur))
        if possible.connections < wanted {
            logger.warning(
                "fewer connections than --max-connections are possible: the limit on open files is too low (ulimit -n)",
                metadata: ["connections": "\(possible.connections)", "descriptors": "\(limit.rlim_cur)"]
            )
        }
        return possible
    }

    /// The numbers for which the descriptors are enough.
    struct Possible: Equatable {
        var connections: Int
        var handshakes: Int
    }

    /// Divides the descriptors: handshakes get at most a quarter of them.
    static func possible(of wanted: Int, handshakes: Int = 0, descriptors: UInt64) -> Possible {
        let free = Int(clamping: descriptors) - others
        let few = handshakes == 0 ? 0 : max(1, min(handshakes, free / 4))
        return Possible(connections: max(1, min(wanted, free - few)), handshakes: few)
    }
}
