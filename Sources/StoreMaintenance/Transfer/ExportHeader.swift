/// The first line of an export.
package struct ExportHeader: Equatable, Sendable, Codable {
    /// The version of the format.
    package static let currentVersion = 1

    /// The version of the format that it has.
    package var version: Int

    /// A random text that identifies this export, so that an import can be continued with the same file only.
    package var export: String

    /// The kind of the store: `sqlite` or `postgresql`.
    package var store: String

    /// When the snapshot was taken, in milliseconds since 1970.
    package var taken: Int64

    /// The largest task id that the store has issued.
    package var lastTask: Int64

    enum CodingKeys: String, CodingKey {
        case version
        case export
        case store
        case taken = "taken_ms"
        case lastTask = "last_task_id"
    }
}
