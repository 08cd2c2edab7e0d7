/// A point of the log.
struct WALPoint: Equatable {
    /// The log's first salt.
    var salt: UInt32

    /// Frames from its start.
    var frames: Int

    var rawValue: UInt64 { UInt64(salt) << 32 | UInt64(UInt32(truncatingIfNeeded: frames)) }

    init(salt: UInt32, frames: Int) {
        self.salt = salt
        self.frames = frames
    }

    init(rawValue: UInt64) {
        salt = UInt32(truncatingIfNeeded: rawValue >> 32)
        frames = Int(UInt32(truncatingIfNeeded: rawValue))
    }

    /// Returns the first frame of the log that ends here which may not be on the disk, after managers have died
    /// inside their syncs.
    ///
    /// - Parameter points: up to which point the log was known to be on the disk when each of them began its sync.
    /// - Returns: the frame, from 0 on; ``frames`` if all are on the disk. If the log was started over since then, or at
    ///   that moment, all of its frames may be missing.
    func firstUnknownFrame(_ points: [WALPoint]) -> Int {
        points.map { $0.salt == salt ? $0.frames : 0 }.min() ?? frames
    }
}
