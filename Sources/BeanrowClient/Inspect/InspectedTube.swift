// docs/json.md says more about the fields. Times are RFC 3339 in UTC.

/// A tube.
public struct InspectedTube: Sendable, Equatable, Decodable {
    /// The name.
    public var name: String

    /// Tasks that wait for a consumer.
    public var pending: Int

    /// Pending tasks with a priority below 1024.
    public var urgent: Int

    /// Tasks whose delay is not over.
    public var delayed: Int

    /// Tasks that sessions hold.
    public var claimed: Int

    /// Tasks that are set aside.
    public var buried: Int

    /// `nil` if no task is pending.
    public var oldestPendingAgeSeconds: Double?

    /// Tasks ever put.
    public var totalTasks: Int

    /// Tasks that were deleted.
    public var totalDeletes: Int

    /// How often it was paused.
    public var totalPauses: Int

    /// Connections that use it for their puts.
    public var users: Int

    /// Connections that watch it.
    public var watchers: Int

    /// The sessions of the manager that answers that wait for a task of the tube.
    public var waiting: Int

    /// Whether it is paused.
    public var paused: Bool

    /// The length of the pause.
    public var pauseSeconds: Int

    /// What is left of the pause.
    public var pauseLeftSeconds: Double

    enum CodingKeys: String, CodingKey {
        case name, pending, urgent, delayed, claimed, buried, users, watchers, waiting, paused
        case oldestPendingAgeSeconds = "oldest_pending_age_seconds"
        case totalTasks = "total_tasks"
        case totalDeletes = "total_deletes"
        case totalPauses = "total_pauses"
        case pauseSeconds = "pause_seconds"
        case pauseLeftSeconds = "pause_left_seconds"
    }
}
