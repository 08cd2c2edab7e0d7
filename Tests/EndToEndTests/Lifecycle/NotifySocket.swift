import Foundation
import Glibc
import Synchronization

/// A socket as a service manager has it, to which services send their messages.
final class NotifySocket: Sendable {
    /// A message, and when it came.
    struct Message {
        var text: String
        var at: ContinuousClock.Instant
    }

    /// The value of `NOTIFY_SOCKET`.
    let address: String

    private let descriptor: Int32
    private let received = Mutex<[Message]>([])

    /// Makes a socket in the abstract namespace, and reads it on a thread until the process ends.
    init() throws {
        let name = "beanrow-test-\(UUID().uuidString)"
        address = "@\(name)"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var socketAddress = sockaddr_un()
        socketAddress.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &socketAddress.sun_path) { $0.copyBytes(from: [0] + Array(name.utf8)) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
        let descriptor = descriptor
        let code = withUnsafePointer(to: &socketAddress) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard code == 0 else { throw HarnessError("bind: \(String(cString: strerror(errno)))") }
        Thread.detachNewThread { [self] in
            var bytes = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(descriptor, &bytes, bytes.count, 0)
                guard count > 0 else { continue }
                let message = Message(text: String(decoding: bytes[..<count], as: UTF8.self), at: .now)
                received.withLock { $0.append(message) }
            }
        }
    }

    /// All messages so far.
    var messages: [Message] { received.withLock { $0 } }

    /// The texts of all messages so far, without pings.
    var texts: [String] { messages.map(\.text).filter { $0 != "WATCHDOG=1" } }

    /// The number of pings so far.
    var pings: Int { messages.count { $0.text == "WATCHDOG=1" } }
}
