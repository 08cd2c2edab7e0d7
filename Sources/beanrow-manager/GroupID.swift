internal import ArgumentParser
internal import Glibc

/// A group of users, by its name or its number.
struct GroupID: ExpressibleByArgument, Sendable {
    let rawValue: UInt32

    /// Reads a name that the system knows, or a number.
    init?(argument: String) {
        if let number = UInt32(argument), number != .max {
            rawValue = number
        } else if let group = getgrnam(argument) {
            rawValue = group.pointee.gr_gid
        } else {
            return nil
        }
    }
}
