import Glibc

extension sockaddr_in {
    /// The address of a port of this machine.
    ///
    /// Port 0 means any free port.
    init(loopback port: Int) {
        self.init()
        sin_family = sa_family_t(AF_INET)
        sin_port = in_port_t(port).bigEndian
        sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
    }
}

/// Calls a function of the C library, such as `bind` or `connect`, with the address of a port of this machine.
func withLoopbackAddress(port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_in(loopback: port)
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}
