public import Logging
internal import NIOPosix

/// Something that a manager reads from files at its start and again when it is asked to, such as certificates.
public struct ReloadablePart: Sendable {
    /// What was read and checked, and is not in use yet.
    public struct Prepared: Sendable {
        /// What it is, for the log: one line without secrets.
        public var summary: String

        /// Uses it from now on; must not fail.
        public var use: @Sendable () -> Void

        /// Creates a value from its parts.
        public init(summary: String, use: @escaping @Sendable () -> Void) {
            self.summary = summary
            self.use = use
        }
    }

    /// Reads and checks everything, and changes nothing.
    ///
    /// It may block: it runs on a thread for such work.
    public var prepare: @Sendable () throws -> Prepared

    /// Creates a part.
    public init(prepare: @escaping @Sendable () throws -> Prepared) {
        self.prepare = prepare
    }
}

/// Reads the files of a manager again while it runs: all or nothing.
///
/// All parts are read and checked first. Only if every part is right they are exchanged, one directly after the other.
/// If one is wrong, all stay as they were, and the log says so.
public struct Reloader: Sendable {
    private let parts: [ReloadablePart]
    private let logger: Logger

    /// Makes a reloader.
    ///
    /// - Parameters:
    ///   - parts: what it reads, in the order of the exchange.
    ///   - logger: is told what happened.
    public init(_ parts: [ReloadablePart], logger: Logger) {
        self.parts = parts
        self.logger = logger
    }

    /// Reads the files again.
    ///
    /// Calls must not overlap.
    ///
    /// - Returns: whether the new content is in use.
    @discardableResult
    public func reload() async -> Bool {
        guard !parts.isEmpty else {
            logger.notice("SIGHUP: there are no files to read again")
            return true
        }
        do {
            let prepared = try await NIOThreadPool.singleton.runIfActive { [parts] in
                try parts.map { try $0.prepare() }
            }
            for part in prepared { part.use() }
            logger.notice("SIGHUP: the files were read again", metadata: ["now": "\(Self.list(prepared))"])
            return true
        } catch {
            logger.error(
                "SIGHUP: nothing has changed, since a file is wrong; the former content stays in use",
                metadata: ["reason": "\(error)"]
            )
            return false
        }
    }

    private static func list(_ prepared: [ReloadablePart.Prepared]) -> String {
        prepared.map(\.summary).joined(separator: "; ")
    }
}
