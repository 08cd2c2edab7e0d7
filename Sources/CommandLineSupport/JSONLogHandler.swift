internal import FoundationEssentials
public import Logging

/// Writes each log message as one JSON object on a line of its own.
///
/// The keys are `time` (RFC 3339, UTC), `level`, `logger`, `source`, `message`, and `metadata` if there is any. All
/// values are strings.
public struct JSONLogHandler: LogHandler {
    /// See `LogHandler`.
    public var logLevel = Logger.Level.info

    /// See `LogHandler`.
    public var metadata: Logger.Metadata = [:]

    private let label: String
    private let stream: LineStream
    private let now: @Sendable () -> Date

    /// Makes a handler.
    ///
    /// - Parameters:
    ///   - label: the logger's label.
    ///   - stream: where the lines go.
    public init(label: String, stream: LineStream) {
        self.init(label: label, stream: stream, now: { Date() })
    }

    init(label: String, stream: LineStream, now: @escaping @Sendable () -> Date) {
        self.label = label
        self.stream = stream
        self.now = now
    }

    /// See `LogHandler`.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    private struct Line: Encodable {
        var time: String
        var level: String
        var logger: String
        var source: String
        var message: String
        var metadata: [String: String]?
    }

    /// See `LogHandler`.
    public func log(event: LogEvent) {
        var all = metadata
        all.merge(event.metadata ?? [:]) { $1 }
        let line = Line(
            time: now().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
            level: event.level.rawValue,
            logger: label,
            source: event.source,
            message: event.message.description,
            metadata: all.isEmpty ? nil : all.mapValues(\.description)
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings can always be encoded.
        guard let bytes = try? encoder.encode(line) else { return }
        var stream = stream
        stream.write(String(decoding: bytes, as: UTF8.self) + "\n")
    }
}
