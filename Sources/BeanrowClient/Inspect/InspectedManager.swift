// docs/json.md says more about the fields. Times are RFC 3339 in UTC.

/// A manager.
public struct InspectedManager: Sendable, Equatable, Decodable {
    /// The number.
    public var id: Int64

    /// The name.
    public var name: String

    /// The number of the event loop, from 0.
    public var lane: Int

    /// The listening address.
    public var address: String

    /// The number of the process on its host.
    public var pid: Int

    /// The name of the host; empty if the manager's version does not tell.
    public var host: String

    /// The version of the program.
    public var version: String

    /// When it started.
    public var started: String?

    /// For how long it has been running.
    public var uptimeSeconds: Double

    /// When it last wrote its row.
    public var heartbeat: String?

    /// How long ago it last wrote its row.
    public var heartbeatAgeSeconds: Double

    /// The number of tasks that it holds; for a manager without those of named sessions.
    public var claims: Int

    /// `nil` if the manager's version cannot be told.
    public var toldToDrain: Bool?

    /// Open connections, as of the heartbeat.
    public var connections: Int?

    /// Whether it refuses new tasks, as of the heartbeat.
    public var draining: Bool?

    /// Figures of the process, as of the heartbeat.
    public var counters: [String: Int64]

    enum CodingKeys: String, CodingKey {
        case id, name, lane, address, pid, host, version, started, heartbeat, claims, connections, draining, counters
        case uptimeSeconds = "uptime_seconds"
        case heartbeatAgeSeconds = "heartbeat_age_seconds"
        case toldToDrain = "told_to_drain"
    }
}
