/// How much of what clients have sent, or have not read, one event loop keeps in memory, and how much it may.
///
/// There are four parts, a quarter of the whole each, and one cannot take what another needs:
///
/// - **Bodies** that are arriving or wait to be put. Beyond the quarter the slowest are discarded (``ConnectionHandler``).
/// - **Commands** that wait, what has been read beyond them, and lists of watched tubes. Beyond an eighth for the commands a
///   connection is read only while none of its commands waits, and beyond an eighth for the lists `watch` is refused.
/// - **Answers in the making.** One batch brings no more than a quarter of the whole, or one answer.
/// - **Unread answers.** Beyond half the quarter no command is begun for a client that has not read its answers, and beyond
///   the quarter the connection is closed whose answers have been unread for the longest time.
///
/// So each part comes free without the others: bodies and unread answers are given up, answers in the making leave with
/// the batch, and a client whose commands have to wait can always send one line and get one answer. What each connection has
/// up to ``allowance`` of the first, one command of the second, and ``allowance`` of the last is not counted.
///
/// Confined to the event loop.
final class MemoryBudget {
    /// Bytes that a connection may always keep of bodies, and of unread answers: a line, and an answer.
    static let allowance = 4096

    /// What a command that waits is taken to need: itself, and a name.
    static let bytesOfCommand = 320

    /// What a watched tube is taken to need: its name, its places in the session's lists and in those of the sessions that
    /// wait, and what the store knows of it.
    static let bytesOfWatch = 1024

    /// How many tubes a connection may always watch.
    static let watchesAllowed = 4

    /// The least that works: each quarter has to hold a body of the largest size.
    static let leastTasks = 4

    /// The most that is to be kept, in bytes.
    let limit: Int

    /// What one connection keeps.
    struct Held: Equatable {
        var bodies = 0
        var commands = 0
        var watches = 0
        var unread = 0
    }

    /// What all connections keep.
    private(set) var held = Held()

    /// What read buffers may still grow by.
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

    /// How much of them is to be left then: so little that the slowest need not be looked for again soon.
    var bodiesLeftOver: Int { quarter / 8 * 7 }

    /// Whether connections are read only while none of their commands waits.
    var hasTooManyCommands: Bool { held.commands >= limit / 8 }

    /// Whether more tubes are watched than is good.
    var hasTooManyWatches: Bool { held.watches >= limit / 8 }

    /// Whether no command is begun for a client that has not read its answers.
    var isUnreadScarce: Bool { held.unread >= quarter / 2 }

    /// Whether connections have to be closed that do not read their answers.
    var hasTooMuchUnread: Bool { held.unread > quarter + Self.allowance }

    /// How many bytes of answers one session may get in one batch, so that those who do not read leave room for others.
    var answersForOne: Int { max(0, quarter - held.unread) / 16 }

    /// Changes what a connection keeps.
    func change(from old: Held, to new: Held) {
        held.bodies += new.bodies - old.bodies
        held.commands += new.commands - old.commands
        held.watches += new.watches - old.watches
        held.unread += new.unread - old.unread
    }

    /// Asks for room for a larger read buffer.
    ///
    /// - Returns: whether there is some.
    func takeReceiveBytes(_ count: Int) -> Bool {
        guard count <= receiveBytesLeft else { return false }
        receiveBytesLeft -= count
        return true
    }

    /// A read buffer is gone.
    func returnReceiveBytes(_ count: Int) { receiveBytesLeft += count }
}
