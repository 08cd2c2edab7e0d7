internal import Glibc

/// The socket of the service manager that started this process, as in sd_notify(3).
struct NotifySocket: Sendable {
    private let descriptor: CInt
    private let path: [UInt8]

    /// Opens a socket to the service manager.
    ///
    /// It fails if the address is no such address, or if no socket can be made.
    ///
    /// - Parameter address: the value of `NOTIFY_SOCKET`: a path, or a name in the abstract namespace after `@`.
    init?(address: String) {
        var path = Array(address.utf8)
        guard let first = path.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@") else { return nil }
        guard path.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
        if first == UInt8(ascii: "@") { path[0] = 0 }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        self.path = path
    }

    /// Sends a message.
    ///
    /// It may block while the service manager does not read, so it is called on a thread that may wait. A message that
    /// cannot be sent is lost: without it the service manager decides as for a service that hangs.
    func send(_ message: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        // Abstract names have no end of their own, so the length counts.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let bytes = Array(message.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                while sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), pointer, length) < 0 {
                    guard errno == EINTR else { return }
                }
            }
        }
    }
}
