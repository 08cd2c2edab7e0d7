internal import Logging
public import NIOCore
public import TaskStore

/// A manager without sockets: what ``ManagerService`` runs, on an event loop and over channels of the caller's.
///
/// It is for what must be repeatable to the last instruction, which nothing is that goes through the kernel's TCP.
/// Confined to the event loop. It has no end of its own: the store is left by whoever opened it.
public struct ManagerCore {
    private let engine: Engine

    /// Makes a manager.
    ///
    /// - Parameters:
    ///   - store: opened, and used by nobody else.
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

    /// Makes a channel, not active yet, one of the manager's connections.
    ///
    /// - Throws: what the channel's pipeline throws.
    public func serve(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(engine: engine, answerPath: .socket))
    }
}
