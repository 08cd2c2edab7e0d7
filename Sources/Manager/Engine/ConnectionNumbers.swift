/// Gives each open connection of an engine a number of its own.
///
/// The number is the lower half of a `SessionID`, so it has 32 bits. After 2³² − 1 connections the numbers begin again
/// with 1. A connection that is still open then keeps its number: two connections with one number would hold each
/// other's claims.
struct ConnectionNumbers {
    private var last: UInt32
    /// The numbers of open connections.
    private(set) var taken: Set<UInt32>

    /// Makes numbers.
    ///
    /// - Parameters:
    ///   - last: the number before the first one that is given.
    ///   - taken: the numbers of connections that are open already.
    init(after last: UInt32 = 0, taken: Set<UInt32> = []) {
        self.last = last
        self.taken = taken
    }

    /// Returns the next number that no open connection has; never 0.
    mutating func take() -> UInt32 {
        repeat { last &+= 1 } while last == 0 || !taken.insert(last).inserted
        return last
    }

    /// Notes that a connection has ended.
    ///
    /// Its number is given again only after all others. Its claims have been released long before that.
    ///
    /// - Parameter number: the number that ``take()`` returned for it.
    mutating func release(_ number: UInt32) {
        taken.remove(number)
    }
}
