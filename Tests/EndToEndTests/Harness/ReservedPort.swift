import Glibc

/// A port of 127.0.0.1 on which only servers that set SO_REUSEADDR can listen, while this object exists.
///
/// So a manager finds it free after each restart, even if other tests use ports.
final class ReservedPort: Sendable {
    /// The port number, below those that the system uses for outgoing connections.
    let number: Int

    /// A socket that is bound to the port and does not listen.
    private let holder: Int32

    /// Reserves a port.
    ///
    /// - Throws: an error if no port is free.
    init() throws {
        for _ in 0..<200 {
            let candidate = Int.random(in: 16_000..<32_000)
            if let holder = Self.hold(candidate) {
                (number, self.holder) = (candidate, holder)
                return
            }
        }
        throw HarnessError("no free port")
    }

    deinit { close(holder) }

    private static func hold(_ port: Int) -> Int32? {
        let holder = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        // The option is set last. Otherwise two of them could get the same port.
        var yes: Int32 = 1
        guard withLoopbackAddress(port: port, { bind(holder, $0, $1) }) == 0,
            setsockopt(holder, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size)) == 0
        else {
            close(holder)
            return nil
        }
        return holder
    }
}
