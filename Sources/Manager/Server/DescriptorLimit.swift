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
    ///   - logger: gets a warning if fewer are possible.
    /// - Returns: how many connections are possible, at most as many as wanted, at least one.
    static func raise(forConnections wanted: Int, logger: Logger) -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return wanted }
        let needed = rlim_t(wanted + others)
        if limit.rlim_cur < needed {
            limit.rlim_cur = min(needed, limit.rlim_max)
            guard setrlimit(resource, &limit) == 0, getrlimit(resource, &limit) == 0 else { return wanted }
        }
        let possible = possible(of: wanted, descriptors: UInt64(limit.rlim_cur))
        if possible < wanted {
            logger.warning(
                "fewer connections than --max-connections are possible: the limit on open files is too low (ulimit -n)",
                metadata: ["connections": "\(possible)", "descriptors": "\(limit.rlim_cur)"]
            )
        }
        return possible
    }

    /// Returns the number of connections for which the descriptors are enough.
    static func possible(of wanted: Int, descriptors: UInt64) -> Int {
        max(1, min(wanted, Int(clamping: descriptors) - others))
    }
}
