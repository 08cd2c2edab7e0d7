public import Access
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
        let logger = Logger(label: "manager-core") { _ in SwiftLogNoOpLogHandler() }
        self.init(store: store, configuration: configuration, eventLoop: eventLoop, logger: logger)
    }

    /// Makes a manager that logs.
    init(store: any Store, configuration: ManagerConfiguration, eventLoop: any EventLoop, logger: Logger) {
        engine = Engine(store: store, configuration: configuration, eventLoop: eventLoop, logger: logger)
    }

    /// Makes a channel that is not active yet one of the manager's connections.
    ///
    /// - Parameters:
    ///   - channel: the channel.
    ///   - origin: where the connection comes from.
    /// - Throws: what the channel's pipeline throws.
    public func serve(_ channel: any Channel, origin: ConnectionOrigin = ConnectionOrigin(address: "memory")) throws {
        let handler = engine.firstHandler(answerPath: .socket, origin: origin)
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// Starts to leave, as ``ManagerService`` does when it is stopped.
    func stop() {
        engine.stop()
    }

    /// Takes over other principals, see ``ManagerService/replaceAccess(_:)``.
    public func replaceAccess(_ list: AccessList) {
        engine.replaceAccess(list)
    }
}
