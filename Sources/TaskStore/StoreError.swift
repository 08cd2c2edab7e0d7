/// The reason why a store could not carry out a call.
public struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of error, which decides what the manager does.
    public enum Code: Sendable, Equatable {
        /// Another program has locked the database; nothing was changed. Run the same batch again soon.
        case busy

        /// There is no room even for operations that free some room; nothing was changed.
        case full

        /// The batch failed and nothing was changed; the next one may succeed.
        case failed

        /// The batch failed because of one of its operations, such as a put with a body that is too large for the
        /// store; nothing was changed. This operation would fail again, and the others would not.
        case refused

        /// The batch was carried out as a whole or not at all, and the store could not find out which. The next batch
        /// may succeed.
        case unknown

        /// The store does not know any more what is on its disk, or its files are gone. The manager must stop.
        case lost

        /// The database cannot be used at all: wrong file, wrong version, no permission. Reported by opening only.
        case unusable

        /// Another process has to end first, and the message names it. Opening may succeed later. Reported by opening
        /// only.
        case inUse

        /// Acknowledged tasks are not in the files any more. Starting again does not help: a person has to decide.
        /// Reported by opening only.
        case acknowledgedTasksGone
    }

    /// The kind of error.
    public var code: Code

    /// One line for a person; it names the file, if there is one.
    public var message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message alone, which is written for a person.
    public var description: String { message }
}
