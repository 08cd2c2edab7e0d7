// docs/json.md says more about the fields. Times are RFC 3339 in UTC.

/// A task.
public struct InspectedTask: Sendable, Equatable, Decodable {
    /// The number.
    public var id: Int64

    /// The name of its tube.
    public var tube: String

    /// `pending`, `delayed`, `claimed` or `buried`.
    public var state: String

    /// Smaller is more urgent.
    public var priority: UInt32

    /// When it was put.
    public var created: String?

    /// How long ago it was put.
    public var ageSeconds: Double

    /// The delay of the last put, release or edit.
    public var delaySeconds: UInt32

    /// For how long a session may hold it.
    public var ttrSeconds: UInt32

    /// When the delay or the claim ends; `nil` in other states.
    public var due: String?

    /// The time until the delay or the claim ends; below 0 if it is overdue.
    public var leftSeconds: Double?

    /// The session that holds it; `nil` if none does.
    public var holder: InspectedHolder?

    /// How often it was claimed.
    public var reserves: Int

    /// How often the time of a claim was over.
    public var timeouts: Int

    /// How often it was released.
    public var releases: Int

    /// How often it was buried.
    public var buries: Int

    /// How often it was kicked.
    public var kicks: Int

    /// The unique key, in the description of a single task.
    public var key: String?

    /// The length of the body.
    public var bodyBytes: Int

    /// The start of the body if it is UTF-8.
    ///
    /// The description of a client without the right to read bodies has nothing of it.
    public var bodyStart: String?

    /// The start of the body in base64, if it is not UTF-8.
    public var bodyStartBase64: String?

    /// The whole body if that was asked for: as text if it is UTF-8, or else in base64.
    public var body: String?

    /// The whole body in base64, if it is not UTF-8.
    public var bodyBase64: String?

    /// `true` if the body does not match its checksum.
    public var bodyIsDamaged: Bool?

    enum CodingKeys: String, CodingKey {
        case id, tube, state, priority, created, due, holder, reserves, timeouts, releases, buries, kicks, key, body
        case ageSeconds = "age_seconds"
        case delaySeconds = "delay_seconds"
        case ttrSeconds = "ttr_seconds"
        case leftSeconds = "left_seconds"
        case bodyBytes = "body_bytes"
        case bodyStart = "body_start"
        case bodyStartBase64 = "body_start_base64"
        case bodyBase64 = "body_base64"
        case bodyIsDamaged = "body_is_damaged"
    }
}
