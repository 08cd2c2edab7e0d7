import Synchronization

/// Addresses of this machine, each of which is used once.
///
/// All of 127.0.0.0/8 is this machine. A server that has stopped cannot be confused with one that another test has started
/// on the same port, since each server has its own address.
enum LoopbackAddress {
    private static let last = Mutex(0)

    static func next() -> String {
        let number = last.withLock { last in
            last += 1
            return last
        }
        return "127.\(64 + number / 62_500).\(number / 250 % 250).\(number % 250 + 1)"
    }
}
