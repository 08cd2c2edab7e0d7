/// What this manager knows of the tasks that it claimed last, so that deleting them does not need to read their rows.
///
/// It is a hint. The statement that relies on it repeats it as a condition, and changes nothing if it is no longer
/// true. So entries are never removed, and the memory does not grow: a task replaces the one whose id is 4096 lower.
struct RecentClaims {
    /// What the table says of a claimed task.
    struct Claim {
        var tube: Int64
        var isKeyed: Bool
    }

    private static let size = 4096

    private var tasks = [Int64](repeating: 0, count: size)
    private var claims = [Claim](repeating: Claim(tube: 0, isKeyed: false), count: size)

    /// Adds a task that was claimed.
    mutating func add(_ task: Int64, tube: Int64, isKeyed: Bool) {
        let index = Int(task & Int64(Self.size - 1))
        tasks[index] = task
        claims[index] = Claim(tube: tube, isKeyed: isKeyed)
    }

    /// Returns what is known of a task; nil if nothing is.
    subscript(task: Int64) -> Claim? {
        let index = Int(task & Int64(Self.size - 1))
        return tasks[index] == task ? claims[index] : nil
    }

    /// Returns what is known of tasks with consecutive ids, if all are known, are of one tube and have no keys.
    ///
    /// - Parameters:
    ///   - first: the first task.
    ///   - count: the number of tasks.
    /// - Returns: nil if one of the conditions does not hold.
    func ofOneTube(_ first: Int64, count: Int) -> [Claim]? {
        guard let claim = self[first], !claim.isKeyed else { return nil }
        for task in first..<(first + Int64(count)) {
            guard let other = self[task], other.tube == claim.tube, !other.isKeyed else { return nil }
        }
        return Array(repeating: claim, count: count)
    }
}
