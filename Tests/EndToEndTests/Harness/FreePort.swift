import Glibc

/// Finds ports that stay free between the end of a server and its next start.
enum FreePort {
    /// A port that nobody listens on, out of the range from which the system takes ports for outgoing connections.
    static func find() throws -> Int {
        for _ in 0..<200 {
            let port = Int.random(in: 16_000..<32_000)
            if isFree(port) { return port }
        }
        throw HarnessError("no free port")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
