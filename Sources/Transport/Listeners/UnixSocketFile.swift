internal import Glibc
internal import Synchronization
public import TaskStore

/// The file of a unix socket on which this process listens, and the lock that protects it.
///
/// A socket's file stays if its process is killed, and a new process has to replace it. Two processes that do so at the
/// same time could remove each other's socket. So the lock file beside the socket (`m1.sock.lock`) decides: only the
/// process that holds its lock replaces, listens and removes. The kernel releases the lock with the process.
public final class UnixSocketFile: Sendable {
    /// The path.
    public let path: SocketPath

    private struct Held {
        var lock: CInt
        var device: UInt64
        var inode: UInt64
    }

    private let held: Mutex<Held?>

    private var lockPath: String { Self.lockPath(path) }

    private static func lockPath(_ path: SocketPath) -> String { path.path + ".lock" }

    private init(_ path: SocketPath, _ held: Held) {
        self.path = path
        self.held = Mutex(held)
    }

    deinit { remove() }

    /// Makes the socket and its file, with the permissions and the group.
    ///
    /// No process can connect before it listens.
    ///
    /// A file that is already there is replaced if it is a socket on which no process listens.
    ///
    /// - Parameters:
    ///   - path: the path.
    ///   - options: the permissions.
    /// - Returns: the file, and the bound socket, which the caller has to close.
    /// - Throws: ``TransportError`` if another process uses the path, or something else is there, or the permissions
    ///   cannot be set.
    public static func bind(
        _ path: SocketPath,
        _ options: SocketOptions
    ) throws(TransportError) -> (file: UnixSocketFile, socket: CInt) {
        let lock = try takeLock(path)
        do throws(TransportError) {
            try removeStale(path)
            let socket = try makeSocket(path)
            let information = try makeFile(path, options, socket)
            let held = Held(
                lock: lock.release(),
                device: UInt64(information.st_dev),
                inode: UInt64(information.st_ino)
            )
            return (UnixSocketFile(path, held), socket.release())
        } catch {
            // Under the lock, which ends with this function.
            unlink(lockPath(path))
            throw error
        }
    }

    private static func makeFile(
        _ path: SocketPath,
        _ options: SocketOptions,
        _ socket: borrowing OwnedDescriptor
    ) throws(TransportError) -> stat {
        let number = socket.number
        guard withAddress(of: path, { Self.bind(number, $0, $1) }) == 0 else { throw failure(path, errno) }
        do throws(TransportError) {
            var information = stat()
            guard lstat(path.path, &information) == 0 else { throw failure(path, errno) }
            if let group = options.group, lchown(path.path, uid_t.max, group) != 0 {
                throw TransportError("cannot listen on \(path): no permission to give it to group \(group)")
            }
            // After the group: changing the group may clear bits of the mode.
            guard chmod(path.path, options.mode) == 0 else { throw failure(path, errno) }
            return information
        } catch {
            unlink(path.path)
            throw error
        }
    }

    /// Removes the file if it is still the one that ``bind(_:_:)`` made, and gives up the lock.
    ///
    /// The second call has no effect.
    public func remove() {
        held.withLock { held in
            guard let own = held else { return }
            held = nil
            var information = stat()
            if lstat(path.path, &information) == 0, UInt64(information.st_dev) == own.device,
                UInt64(information.st_ino) == own.inode
            {
                unlink(path.path)
            }
            // Under the lock: a process that waits to take it compares its file with the path.
            unlink(lockPath)
            close(own.lock)
        }
    }

    private static func takeLock(_ path: SocketPath) throws(TransportError) -> OwnedDescriptor {
        let name = lockPath(path)
        while true {
            let number = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard number >= 0 else { throw failure(path, errno) }
            let lock = OwnedDescriptor(number)
            guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else {
                throw errno == EWOULDBLOCK
                    ? TransportError("cannot listen on \(path): another process uses it") : failure(path, errno)
            }
            // The process that held the lock may have removed the file since it was opened.
            var opened = stat()
            var named = stat()
            if fstat(lock.number, &opened) == 0, stat(name, &named) == 0, opened.st_ino == named.st_ino,
                opened.st_dev == named.st_dev
            {
                return lock
            }
        }
    }

    /// Removes a socket on which no process listens.
    private static func removeStale(_ path: SocketPath) throws(TransportError) {
        var information = stat()
        guard lstat(path.path, &information) == 0 else {
            guard errno == ENOENT else { throw failure(path, errno) }
            return
        }
        guard information.st_mode & S_IFMT == S_IFSOCK else {
            throw TransportError("cannot listen on \(path): there is a file that is not a socket")
        }
        // A process that knows nothing of the lock file may listen there.
        let probe = try makeSocket(path)
        guard withAddress(of: path, { connect(probe.number, $0, $1) }) != 0, errno == ECONNREFUSED else {
            throw TransportError("cannot listen on \(path): another process uses it")
        }
        guard unlink(path.path) == 0 || errno == ENOENT else { throw failure(path, errno) }
    }

    private static func makeSocket(_ path: SocketPath) throws(TransportError) -> OwnedDescriptor {
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let number = socket(AF_UNIX, kind, 0)
        guard number >= 0 else { throw failure(path, errno) }
        return OwnedDescriptor(number)
    }

    private static func bind(_ socket: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
        Glibc.bind(socket, address, length)
    }

    /// Calls a function of the C library with the address of a path, which ``SocketPath`` keeps short enough.
    private static func withAddress(
        of path: SocketPath,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.path.utf8.prefix(SocketPath.longest)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }

    private static func failure(_ path: SocketPath, _ number: CInt) -> TransportError {
        TransportError("cannot listen on \(path): \(systemErrorText(number))")
    }
}
