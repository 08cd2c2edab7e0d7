internal import Access
internal import BeanstalkWire
internal import Logging
internal import NIOCore
internal import TaskStore
internal import Transport

/// The principals of clients.
extension Engine {
    /// Returns the first handler of a connection that was just accepted.
    ///
    /// - Parameters:
    ///   - answerPath: how answers leave.
    ///   - origin: where the connection comes from, and what the transport knows of the client.
    ///   - tls: the connection's TLS, if it has any.
    /// - Returns: a handler that takes commands, or one that waits for `auth`.
    func firstHandler(
        answerPath: AnswerPath,
        origin: ConnectionOrigin,
        tls: TLSConnection? = nil
    ) -> any ChannelHandler {
        guard let access, !origin.isOpen else {
            return ConnectionHandler(engine: self, answerPath: answerPath, origin: origin, tls: tls)
        }
        guard let principal = access.principal(origin.identity) else {
            return AuthenticationHandler(engine: self, answerPath: answerPath, origin: origin, tls: tls)
        }
        return ConnectionHandler(
            engine: self,
            answerPath: answerPath,
            origin: origin,
            principal: principal,
            tls: tls
        )
    }

    /// Notes that a client was refused because it is not known.
    func noteUnauthorized(_ origin: ConnectionOrigin) {
        table.sessions.counters.unauthorized += 1
        guard let times = unauthorized.note("") else { return }
        logger.notice(
            "a client is not authorized",
            metadata: ["address": "\(origin.address)", "times": "\(times)"]
        )
    }

    /// Takes over a tokens file that was read again.
    ///
    /// Connections of principals that are gone are closed at once, and their named sessions end. All others have their
    /// new rights from their next command on.
    func replaceAccess(_ list: AccessList) {
        guard access != nil, phase != .ended else { return }
        access = list
        hasNewAccess = true
        for connection in connections.values { connection.expel(unlessIn: list) }
        scheduleTurn()
    }

    /// Gives all sessions the rights of a tokens file that was read again.
    ///
    /// No batch may be in progress, since a session that waits may be served by it.
    func applyNewAccess() {
        hasNewAccess = false
        guard let access else { return }
        for connection in connections.values {
            guard let session = connection.session, let former = session.principal else { continue }
            guard let principal = access.principal(former.credential) else { continue }
            table.sessions.setPrincipal(principal, of: session)
        }
    }

    /// Writes the lines about commands of operators.
    func logAudit() {
        for entry in table.sessions.takeAudit() {
            var metadata: Logger.Metadata = [
                "principal": "\(entry.principal)", "address": "\(entry.address)", "verb": "\(entry.verb.name)",
            ]
            switch entry.subject {
            case .task(let id): metadata["id"] = "\(id)"
            case .session(let number): metadata["session"] = "\(number)"
            case .manager(let name): metadata["manager"] = "\(name.debugDescription)"
            case .tube(let tube, let filter):
                metadata["tube"] = "\(tube)"
                metadata["filter"] = filter.map { "\($0)" }
            }
            switch entry.outcome {
            case .done: metadata["outcome"] = "done"
            case .count(let count):
                metadata["outcome"] = "done"
                metadata["count"] = "\(count)"
            }
            logger.notice("audit", metadata: metadata)
        }
    }
}
