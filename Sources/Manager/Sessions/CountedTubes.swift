internal import TaskStore

/// The tubes at which the store counts a session.
struct CountedTubes {
    /// The tube that it uses; `nil` if the store counts it at none.
    private(set) var used: TubeName?

    /// The tubes that it watches, in the order in which they were counted, except that the last one fills a gap.
    private(set) var watched: [TubeName] = []

    /// Notes that the store counts the session at a tube, or counts it there no more.
    ///
    /// - Parameters:
    ///   - tube: the tube.
    ///   - using: −1, 0 or 1.
    ///   - watching: −1, 0 or 1.
    mutating func add(_ tube: TubeName, using: Int, watching: Int) {
        if using > 0 { used = tube }
        if using < 0, used == tube { used = nil }
        if watching > 0 { watched.append(tube) }
        if watching < 0, let index = watched.firstIndex(of: tube) {
            watched.swapAt(index, watched.count - 1)
            watched.removeLast()
        }
    }
}
