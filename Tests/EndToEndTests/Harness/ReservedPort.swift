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
        // The option is set last: set before, it would let two of them have one port.
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
