/// The memory of one event loop for commands that clients have sent, answers that they have not read, and what their
/// sessions keep; and its limits.
///
/// The whole is divided into parts, and no part can use the memory of another:
///
/// - **Bodies** that are arriving or wait to be put. If there are too many, the slowest bodies are discarded
///   (``ConnectionHandler``), and no more is read from a connection whose bodies wait.
/// - **Commands** that wait, and bytes that were read beyond them. If there are too many, a connection is read only while
///   none of its commands waits.
/// - **Watched tubes.** If there are too many, `watch` is refused.
/// - **Claims.** If there are too many, `reserve` is refused.
/// - **Read buffers** beyond the least size. If they are too large, they do not grow.
/// - **Answers of the present batch.** They are at most one part, or one answer.
/// - **Unread answers.** Beyond half the part no command is begun for a client that has not read its answers. Beyond the
///   part the connection whose answers have been unread for the longest time is closed.
///
/// So each part becomes free without the others: bodies and unread answers are dropped, the answers of a batch leave
/// with it, and a client whose commands have to wait can always send one line and get one answer. Tubes and claims are
/// kept as long as a client wants. So one session may have at most ``shares`` times what it would leave for all others,
/// and the part never becomes full.
///
/// Not counted per connection, so that there is always room for them: ``bodiesAllowed`` bytes of bodies, one command and
/// one read, ``unreadAllowed`` bytes of unread answers, ``watchesAllowed`` tubes, and ``claimsAllowed`` claims.
///
/// The buffers of TLS are a part of their own, of half the size of the others together: they stay as long as their
/// connections, so a connection with TLS is refused if there is no room for it.
///
/// Confined to the event loop.
final class MemoryBudget {
    /// The bytes of unread answers that a connection may always have: one answer.
    static let unreadAllowed = 4096

    /// The bytes of bodies that a connection may always have; more than the room that an array has beyond its bytes.
    static let bodiesAllowed = 4096

    /// The bytes that are counted for a waiting command: itself, and two names or a name and an empty body.
    static let bytesOfCommand = 448

    /// The bytes that are counted for a watched tube: its name, its places in the session's lists and in the waiting
    /// lists, and what the store keeps of it.
    static let bytesOfWatch = 1024

    /// The bytes that are counted for the TLS of a connection, beside what it has in common with others: keys, state,
    /// and the part of its buffers that small messages use.
    static let bytesOfTLS = 24 * 1024

    /// The number of tubes that a connection may always watch.
    static let watchesAllowed = 2

    /// The bytes that are counted for a claim: its place in a dictionary that is a little more than a third full, and its
    /// deadline in a heap.
    static let bytesOfClaim = 176

    /// The number of claims that a session may always have.
    static let claimsAllowed = 4

    /// How many times what is left of the watched tubes or claims one session may have.
    static let shares = 16

    /// A number of tubes or claims that is never reached, for tables without a budget.
    static let unlimited = Int.max / shares / 2

    /// The least memory that works, in bodies of the largest size: each of three parts has to hold one, and the others
    /// need as much as one of them.
    static let leastTasks = 4

    /// The most bytes in all.
    let limit: Int

    /// The most bytes of bodies, of answers of one batch, and of unread answers: a quarter of the whole each, or one body.
    ///
    /// With the defaults an answer of the largest size fits for each of 1,024 commands in one batch.
    let part: Int

    /// The memory of one connection.
    struct Held: Equatable {
        var bodies = 0
        var commands = 0
        var watches = 0
        var claims = 0
        var unread = 0
    }

    /// The memory of all connections.
    private(set) var held = Held()

    /// The bytes by which read buffers may still grow.
    private var receiveBytesLeft: Int

    /// The bytes of all connections' TLS.
    private(set) var tls = 0

    /// The bytes of bodies from which on all connections are searched for bodies to discard.
    private var bodiesToSearch: Int

    /// Makes a budget of which nothing is used.
    ///
    /// - Parameters:
    ///   - limit: the most bytes in all.
    ///   - largestTask: the most bytes of one body.
    init(limit: Int, largestTask: Int = 65535) {
        self.limit = limit
        part = max(largestTask, limit / 4)
        receiveBytesLeft = limit / 16
        bodiesToSearch = part
    }

    /// A sixteenth of the whole: the most bytes of commands, of watched tubes, and of read buffers.
    private var small: Int { limit / 16 }

    /// All that is counted.
    var total: Int { held.bodies + held.commands + held.watches + held.claims + held.unread }

    /// Whether bodies have to be discarded.
    var hasTooManyBodies: Bool { held.bodies > part }

    /// The bytes of bodies that may stay if some are discarded: few enough that this is not repeated soon.
    var bodiesLeftOver: Int { part / 8 * 7 }

    /// Whether connections are read only while none of their commands waits.
    ///
    /// - Parameter added: bytes of commands that are not counted yet.
    /// - Returns: whether there are too many.
    func hasTooManyCommands(with added: Int = 0) -> Bool { held.commands + added >= small }

    /// Whether there are more commands than connections bring that can be stopped.
    ///
    /// When a client closes its side, SwiftNIO reads everything that it has sent, also if nothing more is wanted.
    var hasFarTooManyCommands: Bool { held.commands >= 2 * small }

    /// The number of tubes that may be watched in addition.
    var watchesLeft: Int { max(0, small - held.watches) / Self.bytesOfWatch }

    /// The number of claims that may be made in addition.
    var claimsLeft: Int { max(0, limit - 3 * part - 3 * small - held.claims) / Self.bytesOfClaim }

    /// Whether no command is begun for a client that has not read its answers.
    var isUnreadScarce: Bool { held.unread >= part / 2 }

    /// Whether connections that do not read their answers have to be closed.
    var hasTooMuchUnread: Bool { held.unread > part + Self.unreadAllowed }

    /// The bytes of unread answers that may stay if connections are closed.
    var unreadLeftOver: Int { part / 4 * 3 }

    /// The bytes of answers that one session may get in one batch, so that clients that do not read leave room for
    /// others.
    var answersForOne: Int { max(0, part - held.unread) / 16 }

    /// Returns how many tubes or claims a session may have in addition.
    ///
    /// - Parameters:
    ///   - count: how many it has.
    ///   - allowed: how many it may always have.
    ///   - left: how many all sessions together may have in addition; at most ``unlimited``.
    /// - Returns: the number; 0 if it may have no more.
    static func more(than count: Int, allowed: Int, left: Int) -> Int {
        max(allowed - count, min(left, left * shares - count), 0)
    }

    /// Changes the memory of a connection.
    func change(from old: Held, to new: Held) {
        held.bodies += new.bodies - old.bodies
        held.commands += new.commands - old.commands
        held.watches += new.watches - old.watches
        held.claims += new.claims - old.claims
        held.unread += new.unread - old.unread
    }

    /// Returns whether all connections have to be searched for bodies to discard.
    ///
    /// A search may find too few, since bodies that will be put soon are not discarded. Then the next search follows when
    /// there are much more bodies. Until then a connection discards its own.
    func mustSearchForBodies() -> Bool {
        if held.bodies <= part { bodiesToSearch = part }
        return held.bodies > bodiesToSearch
    }

    /// Notes that all connections were searched.
    func didSearchForBodies() { bodiesToSearch = max(part, held.bodies + part / 16) }

    /// The most bytes of the next reads: SwiftNIO reads four times before a connection can stop it.
    var mostReceiveBytes: Int { hasTooManyCommands() ? ReceiveGrant.least / 4 : .max }

    /// Asks for room for the TLS of a connection.
    ///
    /// - Returns: whether there is room.
    func takeTLS() -> Bool {
        guard tls + Self.bytesOfTLS <= limit / 2 else { return false }
        tls += Self.bytesOfTLS
        return true
    }

    /// Returns the room of a connection that is gone.
    func returnTLS() { tls -= Self.bytesOfTLS }

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
