/// Where a commit stands in the log (sqlite.org/fileformat2.html, section 4.1).
struct WALPosition: Equatable {
    /// Bytes of the log's header.
    static let headerBytes = 32

    /// Bytes of a frame's header; a page follows it.
    static let frameHeaderBytes = 24

    /// Where SQLite began to write, in bytes; -1 where that is not known.
    let start: Int64

    /// How many frames the log has with it.
    let frames: Int

    /// Bytes a page.
    let pageSize: Int

    /// Whether it begins right behind so many frames; behind none also where the log's header is written anew.
    func follows(frames: Int) -> Bool {
        start == Self.headerBytes + frames * (Self.frameHeaderBytes + pageSize) || start == 0 && frames == 0
    }
}
