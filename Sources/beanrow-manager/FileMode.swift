internal import ArgumentParser

/// Permissions of a file, as chmod takes them in digits.
struct FileMode: ExpressibleByArgument, CustomStringConvertible, Sendable {
    let rawValue: UInt32

    init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Understands three or four octal digits by which the owner can read and write, and no user can execute.
    init?(argument: String) {
        guard (3...4).contains(argument.utf8.count), let value = UInt32(argument, radix: 8) else { return nil }
        guard value & 0o600 == 0o600, value & ~0o666 == 0 else { return nil }
        rawValue = value
    }

    var description: String { String(rawValue, radix: 8) }
    var defaultValueDescription: String { description }
}
