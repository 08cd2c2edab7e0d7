/// A tube as an export has it.
package struct ExportedTube: Equatable, Sendable, Codable {
    package var name: String

    /// Its place in the list of tubes, from 1.
    package var position: Int64

    /// The number of pauses since the tube was created.
    package var pauses: Int64

    /// The length of the current pause in seconds, or 0.
    package var pauseSeconds: Int64

    /// When the current pause ends, in milliseconds since 1970.
    package var pausedUntil: Int64?

    /// The tasks put into it since it was created.
    package var totalTasks: Int64

    /// The tasks deleted from it since it was created.
    package var deletes: Int64

    enum CodingKeys: String, CodingKey {
        case name
        case position
        case pauses
        case pauseSeconds = "pause_seconds"
        case pausedUntil = "paused_until_ms"
        case totalTasks = "total_tasks"
        case deletes
    }
}
