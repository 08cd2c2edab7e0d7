import CPlatform

/// Notices names that a running store's files get.
///
/// Such a name does no harm as long as nothing is opened by it, and managers are not started by it. So the store goes on, and
/// says what is going to happen at the next start.
struct HardLinkWatcher {
    private var linked: Set<String> = []

    /// Returns a line for the log for each file that has another name since the last look.
    mutating func check(_ files: StoreFiles) -> [String] {
        var lines: [String] = []
        for path in [files.database, files.log, files.sharedMemory, files.lock] {
            // As long as it cannot be looked at nothing is known.
            let count = beanrow_link_count(path)
            if count == 1 { linked.remove(path) }
            guard count > 1, linked.insert(path).inserted else { continue }
            lines.append(
                """
                \(path): the file got another name (a hard link; a snapshot made with hard links does this too). Nothing may be \
                opened by that name, and managers do not start again before it is removed
                """
            )
        }
        return lines
    }
}
