import Glibc
import TaskStore

/// Disk space that is kept for a full disk, so that tasks can be deleted then: a delete needs room in the log first.
final class DiskReserve {
    /// The size in bytes: enough for many small batches.
    static let size = 1 << 20

    /// The number of bytes that must be free before it is made again.
    private static let margin = 4 * size

    private let path: String
    private let mode: mode_t

    /// - Parameters:
    ///   - path: the file that takes the space.
    ///   - mode: its permissions.
    init(path: String, mode: mode_t) {
        self.path = path
        self.mode = mode
    }

    /// Gives the space up.
    ///
    /// - Returns: whether there was any.
    func giveUp() -> Bool {
        truncate(path, 0) == 0 && unlink(path) == 0
    }

    /// Whether the file is missing, or shorter than it should be.
    var isMissing: Bool {
        var information = stat()
        return stat(path, &information) != 0 || Int(information.st_size) < Self.size
    }

    /// Makes the file if it is missing and there is enough room.
    ///
    /// The writer lock is held.
    func restore() {
        guard isMissing else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        FileMode.set(of: descriptor, mode)
        guard isRoomPlenty,
            // Allocated, not a hole. On an error nothing is kept, and the next call tries again.
            posix_fallocate(descriptor, 0, Self.size) == 0
        else {
            unlink(path)
            return
        }
    }

    /// Removes the file, when the last manager leaves.
    ///
    /// On a disk that is nearly full it stays, since the next manager may need it to start.
    func remove() {
        if isRoomPlenty { unlink(path) }
    }

    /// Whether the disk has enough room to make the file.
    private var isRoomPlenty: Bool {
        var system = statvfs()
        return statvfs(path, &system) == 0 && Int(system.f_bavail) * Int(system.f_frsize) > Self.margin
    }
}
