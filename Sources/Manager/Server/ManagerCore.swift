internal import Logging
public import NIOCore
public import TaskStore

/// A manager without sockets: the core of ``ManagerService``, on an event loop and over channels of the caller.
///
/// It is for measurements and tests that must be exactly repeatable, which is not possible over the kernel's TCP.
/// Confined to the event loop. It does not leave the store: that is for the caller that opened it.
public struct ManagerCore {
    private let engine: Engine

    /// Makes a manager.
    ///
    /// - Parameters:
    ///   - store: an open store that only this manager uses.
    ///   - configuration: the manager's settings.
    ///   - eventLoop: the loop that all its channels are on; the caller is on it.
    public init(store: any Store, configuration: ManagerConfiguration, eventLoop: any EventLoop) {
        engine = Engine(
            store: store,
            configuration: configuration,
            eventLoop: eventLoop,
            logger: Logger(label: "manager-core") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// Makes a channel that is not active yet one of the manager's connections.
    ///
    /// - Throws: what the channel's pipeline throws.
    public func serve(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(engine: engine, answerPath: .socket))
    }
}
