package import JSONText

/// What the doctor found in one check.
package struct Finding: Sendable, Equatable {
    /// How bad it is.
    package enum Level: String, Sendable, CaseIterable {
        case ok
        case warning
        case error
    }

    /// The name of the check, such as `counts`.
    package var check: String
    package var level: Level

    /// What was found, in one line.
    package var message: String

    /// What to do about it; `nil` if nothing has to be done.
    package var advice: String?

    /// Creates a finding that all is well.
    static func ok(_ check: String, _ message: String) -> Finding {
        Finding(check: check, level: .ok, message: message, advice: nil)
    }

    /// Creates a finding that is not urgent.
    static func warning(_ check: String, _ message: String, _ advice: String) -> Finding {
        Finding(check: check, level: .warning, message: message, advice: advice)
    }

    /// Creates a finding that needs action now.
    static func error(_ check: String, _ message: String, _ advice: String) -> Finding {
        Finding(check: check, level: .error, message: message, advice: advice)
    }

    /// The finding as a JSON object.
    package var json: JSON {
        .object(
            ("check", .string(check)),
            ("level", .string(level.rawValue)),
            ("message", .string(message)),
            ("advice", .optional(advice))
        )
    }
}
