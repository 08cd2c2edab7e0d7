import Glibc

/// A port of 127.0.0.1 on which only servers that set SO_REUSEADDR can listen, for as long as this object lives: a manager
/// finds it free each time it is started again, whatever other tests do meanwhile.
final class ReservedPort: Sendable {
    /// Its number, below those which the system gives to outgoing connections.
    let number: Int

    /// A socket that is bound to it and listens to nobody.
    private let holder: Int32

    /// Reserves one.
    ///
    /// - Throws: when none can be had.
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
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(holder, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        // Set before, it would let two of them have one port.
        var yes: Int32 = 1
        guard isBound,
            setsockopt(holder, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size)) == 0
        else {
            close(holder)
            return nil
        }
        return holder
    }
}
