import Glibc

/// The identity of a file, whatever its names.
struct FileIdentity: Equatable, Sendable {
    private let device: UInt64
    private let inode: UInt64

    /// Looks a path up; returns nil if there is no such file.
    init?(path: String) {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        self.init(information)
    }

    /// Inspects an open descriptor.
    init?(descriptor: Int32) {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { return nil }
        self.init(information)
    }

    private init(_ information: stat) {
        self.device = UInt64(information.st_dev)
        self.inode = UInt64(information.st_ino)
    }
}
