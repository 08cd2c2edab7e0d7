/// What this manager knows of the tasks that it claimed last, so that deleting them needs not read their rows.
///
/// It is a hint: the statement that relies on it names what it relies on, and changes nothing where that has changed. So
/// nothing has to be taken out, and memory stays the same: a task displaces the one 4096 before it.
struct RecentClaims {
    /// What the table says of a claimed task.
    struct Claim {
        var tube: Int64
        var isKeyed: Bool
    }

    private static let size = 4096

    private var tasks = [Int64](repeating: 0, count: size)
    private var claims = [Claim](repeating: Claim(tube: 0, isKeyed: false), count: size)

    /// Notes a task that was claimed.
    mutating func add(_ task: Int64, tube: Int64, isKeyed: Bool) {
        let index = Int(task & Int64(Self.size - 1))
        tasks[index] = task
        claims[index] = Claim(tube: tube, isKeyed: isKeyed)
    }

    /// What was noted of a task.
    subscript(task: Int64) -> Claim? {
        let index = Int(task & Int64(Self.size - 1))
        return tasks[index] == task ? claims[index] : nil
    }

    /// What was noted of tasks whose numbers follow each other.
    ///
    /// - Parameters:
    ///   - first: the first one.
    ///   - count: how many.
    /// - Returns: nothing where something is not known of one of them, they are of several tubes, or one has a key.
    func ofOneTube(_ first: Int64, count: Int) -> [Claim]? {
        guard let claim = self[first], !claim.isKeyed else { return nil }
        for task in first..<(first + Int64(count)) {
            guard let other = self[task], other.tube == claim.tube, !other.isKeyed else { return nil }
        }
        return Array(repeating: claim, count: count)
    }
}
