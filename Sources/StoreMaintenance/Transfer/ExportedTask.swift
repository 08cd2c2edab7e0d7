internal import Foundation

/// A task as an export has it.
///
/// A claimed task is exported as pending: its session does not exist in the other database.
package struct ExportedTask: Equatable, Sendable {
    package var id: Int64
    package var tube: String

    /// pending, delayed or buried.
    package var state: String
    package var priority: Int64

    /// The delay of the last put or release, in seconds.
    package var delay: Int64

    /// The time to run in seconds.
    package var timeToRun: Int64

    /// When it was put, in milliseconds since 1970.
    package var created: Int64

    /// When its delay ends, in milliseconds since 1970, if it is delayed.
    package var due: Int64?

    /// Its position among the buried tasks, if it is buried.
    package var buriedOrder: Int64?
    package var reserves: Int64
    package var timeouts: Int64
    package var releases: Int64
    package var buries: Int64
    package var kicks: Int64

    /// Whether a unique key belongs to it.
    package var isKeyed: Bool
    package var body: [UInt8]
}

extension ExportedTask: Decodable {
    enum CodingKeys: String, CodingKey {
        case id
        case tube
        case state
        case priority
        case delay = "delay_seconds"
        case timeToRun = "ttr_seconds"
        case created = "created_ms"
        case due = "due_ms"
        case buriedOrder = "buried_order"
        case reserves
        case timeouts
        case releases
        case buries
        case kicks
        case isKeyed = "keyed"
        case body
        case bodyBase64 = "body_base64"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decode(Int64.self, forKey: .id)
        tube = try values.decode(String.self, forKey: .tube)
        state = try values.decode(String.self, forKey: .state)
        priority = try values.decode(Int64.self, forKey: .priority)
        delay = try values.decode(Int64.self, forKey: .delay)
        timeToRun = try values.decode(Int64.self, forKey: .timeToRun)
        created = try values.decode(Int64.self, forKey: .created)
        due = try values.decodeIfPresent(Int64.self, forKey: .due)
        buriedOrder = try values.decodeIfPresent(Int64.self, forKey: .buriedOrder)
        reserves = try values.decode(Int64.self, forKey: .reserves)
        timeouts = try values.decode(Int64.self, forKey: .timeouts)
        releases = try values.decode(Int64.self, forKey: .releases)
        buries = try values.decode(Int64.self, forKey: .buries)
        kicks = try values.decode(Int64.self, forKey: .kicks)
        isKeyed = try values.decodeIfPresent(Bool.self, forKey: .isKeyed) ?? false
        if let text = try values.decodeIfPresent(String.self, forKey: .body) {
            body = Array(text.utf8)
        } else {
            body = Array(try values.decode(Data.self, forKey: .bodyBase64))
        }
        try check(values)
    }

    /// Refuses what no database may contain, since an import writes without the checks of the tables.
    private func check(_ values: KeyedDecodingContainer<CodingKeys>) throws {
        let numbers: ClosedRange<Int64> = 0...4_294_967_295
        let rules: [(CodingKeys, Bool)] = [
            (.id, id > 0),
            (.state, ["pending", "delayed", "buried"].contains(state)),
            (.priority, numbers.contains(priority)),
            (.delay, numbers.contains(delay)),
            (.timeToRun, timeToRun > 0 && numbers.contains(timeToRun)),
            (.due, (due != nil) == (state == "delayed")),
            (.buriedOrder, (buriedOrder != nil) == (state == "buried")),
            (.reserves, min(reserves, timeouts, releases, buries, kicks) >= 0),
        ]
        for (key, holds) in rules where !holds {
            throw DecodingError.dataCorruptedError(forKey: key, in: values, debugDescription: "not allowed")
        }
    }
}
