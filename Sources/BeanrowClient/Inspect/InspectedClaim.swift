// docs/json.md says more about the fields. Times are RFC 3339 in UTC.

/// A claim.
public struct InspectedClaim: Sendable, Equatable, Decodable {
    /// The number.
    public var id: Int64

    /// The name of its tube.
    public var tube: String

    /// For how long a session may hold it.
    public var ttrSeconds: UInt32

    /// When the delay or the claim ends; `nil` in other states.
    public var due: String?

    /// The time until the delay or the claim ends; below 0 if it is overdue.
    public var leftSeconds: Double?

    /// The time since the claim began, or since its last touch.
    public var heldSeconds: Double

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

    enum CodingKeys: String, CodingKey {
        case id, tube, due, holder, reserves, timeouts, releases, buries, kicks
        case ttrSeconds = "ttr_seconds"
        case leftSeconds = "left_seconds"
        case heldSeconds = "held_seconds"
    }
}
