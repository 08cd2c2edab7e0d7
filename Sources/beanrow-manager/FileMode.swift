internal import ArgumentParser

/// The permissions of a file in octal digits, as for chmod.
struct FileMode: ExpressibleByArgument, CustomStringConvertible, Sendable {
    let rawValue: UInt32

    init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Reads three or four octal digits.
    ///
    /// The owner must be able to read and write, and no user may execute.
    init?(argument: String) {
        guard (3...4).contains(argument.utf8.count), let value = UInt32(argument, radix: 8) else { return nil }
        guard value & 0o600 == 0o600, value & ~0o666 == 0 else { return nil }
        rawValue = value
    }

    var description: String { String(rawValue, radix: 8) }
    var defaultValueDescription: String { description }
}
