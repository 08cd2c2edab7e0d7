import Logging
import Synchronization

/// Keeps the lines of a log: the message, and the metadata in the order of their keys.
final class LogRecord: LogHandler {
    private let kept = Mutex<[String]>([])

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    var logLevel: Logger.Level {
        get { .info }
        set {}
    }

    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let metadata = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        kept.withLock { $0.append(([event.message.description] + metadata).joined(separator: " ")) }
    }

    /// Returns the lines since the last call.
    func take() -> [String] {
        kept.withLock { lines in
            defer { lines.removeAll() }
            return lines
        }
    }
}
