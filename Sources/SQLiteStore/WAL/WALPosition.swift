/// The position of a commit in the log (sqlite.org/fileformat2.html, section 4.1).
struct WALPosition: Equatable {
    /// Bytes of the log's header.
    static let headerBytes = 32

    /// Bytes of a frame's header; a page follows it.
    static let frameHeaderBytes = 24

    /// Where SQLite began to write, in bytes; -1 if that is not known.
    let start: Int64

    /// The number of frames in the log after it.
    let frames: Int

    /// Bytes per page.
    let pageSize: Int

    /// Returns whether it begins directly after `frames` frames.
    ///
    /// With 0 frames it may also begin with a new header of the log.
    func follows(frames: Int) -> Bool {
        start == Self.headerBytes + frames * (Self.frameHeaderBytes + pageSize) || start == 0 && frames == 0
    }
}
