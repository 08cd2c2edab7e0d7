/// The memory of one event loop for commands that clients have sent and answers that they have not read, and its
/// limits.
///
/// There are four parts of a quarter each, and no part can use the memory of another:
///
/// - **Bodies** that are arriving or wait to be put. Beyond the quarter the slowest bodies are discarded
///   (``ConnectionHandler``).
/// - **Commands** that wait, bytes that were read beyond them, and lists of watched tubes. If the commands use more
///   than an eighth of the whole, a connection is read only while none of its commands waits. If the lists use more
///   than an eighth, `watch` is refused.
/// - **Answers of the present batch.** They are at most a quarter of the whole, or one answer.
/// - **Unread answers.** Beyond half the quarter no command is begun for a client that has not read its answers. Beyond
///   the quarter the connection whose answers have been unread for the longest time is closed.
///
/// So each part becomes free without the others: bodies and unread answers are dropped, the answers of a batch leave
/// with it, and a client whose commands have to wait can always send one line and get one answer. Not counted per
/// connection: ``allowance`` bytes of bodies, one command, and ``allowance`` bytes of unread answers.
///
/// Confined to the event loop.
final class MemoryBudget {
    /// The bytes of bodies, and of unread answers, that a connection may always have: a line, and an answer.
    static let allowance = 4096

    /// The bytes that are counted for a waiting command: itself, and a name.
    static let bytesOfCommand = 320

    /// The bytes that are counted for a watched tube: its name, its places in the session's lists and in the waiting
    /// lists, and what the store keeps of it.
    static let bytesOfWatch = 1024

    /// The number of tubes that a connection may always watch.
    static let watchesAllowed = 4

    /// The least memory that works, in bodies of the largest size: each quarter has to hold one.
    static let leastTasks = 4

    /// The most bytes in all.
    let limit: Int

    /// The memory of one connection.
    struct Held: Equatable {
        var bodies = 0
        var commands = 0
        var watches = 0
        var unread = 0
    }

    /// The memory of all connections.
    private(set) var held = Held()

    /// The bytes by which read buffers may still grow.
    private var receiveBytesLeft: Int

    init(limit: Int) {
        self.limit = limit
        receiveBytesLeft = limit / 16
    }

    /// A quarter of the whole.
    var quarter: Int { limit / 4 }

    /// All that is counted.
    var total: Int { held.bodies + held.commands + held.watches + held.unread }

    /// Whether bodies have to be discarded.
    var hasTooManyBodies: Bool { held.bodies > quarter }

    /// The bytes of bodies that may stay if some are discarded: few enough that this is not repeated soon.
    var bodiesLeftOver: Int { quarter / 8 * 7 }

    /// Whether connections are read only while none of their commands waits.
    var hasTooManyCommands: Bool { held.commands >= limit / 8 }

    /// Whether the lists of watched tubes are too large.
    var hasTooManyWatches: Bool { held.watches >= limit / 8 }

    /// Whether no command is begun for a client that has not read its answers.
    var isUnreadScarce: Bool { held.unread >= quarter / 2 }

    /// Whether connections that do not read their answers have to be closed.
    var hasTooMuchUnread: Bool { held.unread > quarter + Self.allowance }

    /// The bytes of answers that one session may get in one batch, so that clients that do not read leave room for
    /// others.
    var answersForOne: Int { max(0, quarter - held.unread) / 16 }

    /// Changes the memory of a connection.
    func change(from old: Held, to new: Held) {
        held.bodies += new.bodies - old.bodies
        held.commands += new.commands - old.commands
        held.watches += new.watches - old.watches
        held.unread += new.unread - old.unread
    }

    /// Asks for room for a larger read buffer.
    ///
    /// - Returns: whether there is room.
    func takeReceiveBytes(_ count: Int) -> Bool {
        guard count <= receiveBytesLeft else { return false }
        receiveBytesLeft -= count
        return true
    }

    /// Returns the room of a read buffer that is gone.
    func returnReceiveBytes(_ count: Int) { receiveBytesLeft += count }
}
