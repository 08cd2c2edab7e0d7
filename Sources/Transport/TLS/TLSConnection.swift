/// The TLS of one accepted connection, for closing it.
///
/// A handler that closes its channel would wait until the client has read all bytes and has agreed. Confined to the
/// channel's event loop.
public struct TLSConnection {
    let end: HandshakeGuard

    /// Closes the connection at once, and drops what was not written.
    public func closeNow() { end.closeNow() }

    /// Closes the connection after the client was told that nothing follows (`close_notify`).
    ///
    /// Without this message a client cannot tell the end from an attacker who has cut the connection. The answers must
    /// have been written before.
    public func close() { end.close() }
}
