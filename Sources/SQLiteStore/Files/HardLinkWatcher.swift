import CPlatform

/// Finds new names of a running store's files.
///
/// Such a name does no harm as long as no program opens the file by it, and no manager is started with it. So the store
/// continues, and warns of the next start.
struct HardLinkWatcher {
    private var linked: Set<String> = []

    /// Returns a line for the program's log for each file that got another name since the last check.
    mutating func check(_ files: StoreFiles) -> [String] {
        var lines: [String] = []
        for path in [files.database, files.log, files.sharedMemory, files.lock] {
            // If the file cannot be inspected, nothing is known.
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
