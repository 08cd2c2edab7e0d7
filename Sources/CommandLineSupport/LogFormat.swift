public import ArgumentParser

/// The form of a program's log lines.
public enum LogFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// One line of text per message.
    case text

    /// One JSON object per message and line.
    case json
}
