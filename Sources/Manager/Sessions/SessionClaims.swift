internal import TaskStore

/// The claims of one session, and when the first of them ends.
struct SessionClaims {
    /// A task that the session holds.
    struct Claim {
        /// The time when its time to run is over.
        var deadline: ContinuousClock.Instant

        /// The seconds for which it may be held; each touch starts them again.
        var timeToRun: UInt32

        /// The tube to which the task returns.
        var tube: TubeName
    }

    /// The claims by task.
    private(set) var byTask: [TaskID: Claim] = [:]

    /// No claim ends before this time; `nil` if there is no claim.
    ///
    /// A session that deletes one task after the other always ends the claim with the first deadline. The next deadline
    /// is not needed before this time is near.
    private(set) var noneEndsBefore: ContinuousClock.Instant?

    /// Whether a claim ends exactly at that time.
    private var isFirstDeadlineKnown = true

    /// The deadlines of the claims, if there are many claims and the deadlines were needed.
    private var deadlines: ClaimDeadlines?

    subscript(task: TaskID) -> Claim? { byTask[task] }

    var count: Int { byTask.count }
    var isEmpty: Bool { byTask.isEmpty }

    /// Returns the first deadline, and remembers it.
    mutating func findFirstDeadline() -> ContinuousClock.Instant? {
        guard !isFirstDeadlineKnown else { return noneEndsBefore }
        noneEndsBefore = searchFirstDeadline()
        isFirstDeadlineKnown = true
        return noneEndsBefore
    }

    private mutating func searchFirstDeadline() -> ContinuousClock.Instant? {
        guard byTask.count >= ClaimDeadlines.few else {
            deadlines = nil
            return byTask.values.lazy.map(\.deadline).min()
        }
        if deadlines == nil { deadlines = ClaimDeadlines(byTask) }
        return deadlines?.soonest(of: byTask)
    }

    /// Returns tasks whose time to run is over, the soonest first.
    ///
    /// The session holds them until their claims are removed. They are returned once, unless ``expireAgain(_:)`` is
    /// called.
    mutating func takeOverdue(at now: ContinuousClock.Instant, atMost limit: Int) -> [TaskID] {
        guard let first = findFirstDeadline(), first <= now else { return [] }
        isFirstDeadlineKnown = false
        if let overdue = deadlines?.takeDue(at: now, atMost: limit, of: byTask) { return overdue }
        let overdue = byTask.filter { $0.value.deadline <= now }
        return overdue.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.prefix(limit).map(\.key)
    }

    /// Notes that a claim whose time is over could not be ended.
    mutating func expireAgain(_ task: TaskID) {
        guard let deadline = byTask[task]?.deadline else { return }
        noneEndsBefore = min(noneEndsBefore ?? deadline, deadline)
        deadlines = nil
        isFirstDeadlineKnown = false
    }

    /// Adds a claim, or replaces it.
    mutating func add(_ task: TaskID, _ claim: Claim) {
        byTask[task] = claim
        if deadlines != nil { noteDeadline(task, claim.deadline) }
        if let bound = noneEndsBefore, bound <= claim.deadline { return }
        noneEndsBefore = claim.deadline
        isFirstDeadlineKnown = true
    }

    private mutating func noteDeadline(_ task: TaskID, _ deadline: ContinuousClock.Instant) {
        if let count = deadlines?.count, count > 2 * byTask.count + ClaimDeadlines.few {
            // Most entries are stale. The deadlines are collected again when the first one is needed.
            deadlines = nil
            isFirstDeadlineKnown = false
        } else {
            deadlines?.add(task, deadline)
        }
    }

    /// Removes a claim.
    ///
    /// - Returns: the claim; `nil` if the session did not have it.
    @discardableResult
    mutating func remove(_ task: TaskID) -> Claim? {
        guard let claim = byTask.removeValue(forKey: task) else { return nil }
        if byTask.isEmpty {
            noneEndsBefore = nil
            isFirstDeadlineKnown = true
        } else if claim.deadline == noneEndsBefore {
            isFirstDeadlineKnown = false
        }
        return claim
    }

    /// Starts the time to run of a claim again.
    mutating func extend(_ task: TaskID, from now: ContinuousClock.Instant) {
        guard var claim = remove(task) else { return }
        claim.deadline = now + .seconds(Int64(claim.timeToRun))
        add(task, claim)
    }

    /// Releases the room of claims that are gone: a dictionary keeps it.
    mutating func releaseRoom() {
        guard byTask.capacity > ClaimDeadlines.few, byTask.count < byTask.capacity / 4 else { return }
        byTask = Dictionary(uniqueKeysWithValues: Array(byTask))
    }

    /// Returns whether a claim is in its last second, the protocol's safety margin (protocol.txt, "reserve").
    mutating func isDeadlineSoon(at now: ContinuousClock.Instant) -> Bool {
        guard let bound = noneEndsBefore, now >= bound - Self.safetyMargin, let first = findFirstDeadline() else {
            return false
        }
        return now >= first - Self.safetyMargin
    }

    static let safetyMargin = Duration.seconds(1)
}
