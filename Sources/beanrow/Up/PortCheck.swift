internal import Foundation
internal import TaskStore

/// Finds out whether a port can be listened at, before a manager tries.
enum PortCheck {
    /// Returns why nothing can listen at an address; `nil` if it is free, or if this cannot be found out here.
    static func problem(_ address: NetworkAddress) -> String? {
        guard address.port > 0 else { return nil }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, String(address.port), &hints, &found) == 0, let first = found else {
            return "\(address): the host is not known"
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(first.pointee.ai_family, first.pointee.ai_socktype, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) != 0 || listen(descriptor, 1) != 0
        else {
            return nil
        }
        let code = errno
        guard code == EADDRINUSE else { return "\(address): \(String(cString: strerror(code)).lowercased())" }
        let user = listener(port: address.port).map { " by \($0)" } ?? ""
        return "\(address) is in use\(user): end that program, or choose other ports with --listen"
    }

    /// Returns the process that listens at a port, as `name (pid)`, if this user may see it.
    private static func listener(port: Int) -> String? {
        let hexadecimal = ":" + String(format: "%04X", port)
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let text = try? String(contentsOfFile: table, encoding: .ascii) else { continue }
            for line in text.split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                // 0A is the state LISTEN (proc(5)).
                guard fields.count > 9, fields[1].hasSuffix(hexadecimal), fields[3] == "0A" else { continue }
                return owner(ofInode: String(fields[9]))
            }
        }
        return nil
    }

    private static func owner(ofInode inode: String) -> String? {
        let files = FileManager.default
        for process in (try? files.contentsOfDirectory(atPath: "/proc")) ?? [] where Int(process) != nil {
            let folder = "/proc/\(process)/fd"
            for descriptor in (try? files.contentsOfDirectory(atPath: folder)) ?? [] {
                guard (try? files.destinationOfSymbolicLink(atPath: "\(folder)/\(descriptor)")) == "socket:[\(inode)]"
                else {
                    continue
                }
                let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? "a program"
                return "\(Terminal.visible(name.trimmingCharacters(in: .newlines))) (pid \(process))"
            }
        }
        return nil
    }
}
