public import NIOCore

/// Bounds on the handshakes of one event loop.
public struct HandshakeLimits: Sendable {
    /// The most handshakes at the same time; if another client connects, the oldest one ends.
    public var count: Int

    /// The longest time of a handshake.
    public var timeout: TimeAmount

    /// The most bytes that a client may send during a handshake; a chain of certificates is the largest part.
    public var bytes: Int

    /// The most steps of handshakes before the event loop serves its other connections again.
    public var stepsPerPass: Int

    /// Creates limits; the defaults are those of a manager with one event loop.
    public init(
        count: Int = 1024,
        timeout: TimeAmount = .seconds(10),
        bytes: Int = 32 * 1024,
        stepsPerPass: Int = 4
    ) {
        self.count = count
        self.timeout = timeout
        self.bytes = bytes
        self.stepsPerPass = stepsPerPass
    }
}
