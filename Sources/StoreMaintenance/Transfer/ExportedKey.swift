/// The key of a task that was put with `put-unique`, as an export has it.
package struct ExportedKey: Equatable, Sendable, Codable {
    package var tube: String
    package var key: String

    /// The id of the task, which may be gone.
    package var task: Int64

    /// Until when the key is kept, in milliseconds since 1970, if the task is gone.
    package var keptUntil: Int64?

    enum CodingKeys: String, CodingKey {
        case tube
        case key
        case task
        case keptUntil = "kept_until_ms"
    }
}
