/// The permissions of a manager's unix sockets.
public struct SocketOptions: Hashable, Sendable {
    /// The permissions of the socket's file; to connect, a user needs the right to write.
    public var mode: UInt32

    /// The group of the socket's file; `nil` for the group of the process.
    public var group: UInt32?

    /// Creates options; only the user of the process may connect.
    public init(mode: UInt32 = 0o600, group: UInt32? = nil) {
        self.mode = mode
        self.group = group
    }
}
