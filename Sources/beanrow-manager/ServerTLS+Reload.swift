internal import Glibc
internal import Logging
internal import Manager
internal import Transport

extension ServerTLS {
    /// The certificates as a part of a manager's ``Reloader``.
    var reloadable: ReloadablePart {
        ReloadablePart { [self] in
            let loaded = try reload()
            return ReloadablePart.Prepared(summary: loaded.summary) { self.use(loaded) }
        }
    }
}

extension ServerTLS.Loaded {
    /// One line for the log.
    var summary: String {
        var moment = time_t(validUntil)
        var parts = tm()
        gmtime_r(&moment, &parts)
        let (month, day) = (Self.two(parts.tm_mon + 1), Self.two(parts.tm_mday))
        return "certificate valid until \(parts.tm_year + 1900)-\(month)-\(day) (UTC)"
    }

    private static func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// Logs when the certificate expires.
    func report(_ logger: Logger) {
        let isSoon = validUntil - Int(time(nil)) < 14 * 86_400
        logger.log(level: isSoon ? .warning : .info, "TLS: \(summary)")
    }
}
