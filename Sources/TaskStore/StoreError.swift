/// Why a store could not do what it was asked.
public struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of trouble it is, which decides what the manager does.
    public enum Code: Sendable, Equatable {
        /// Somebody outside holds the database; nothing was changed. Run the same batch again soon.
        case busy

        /// There is no room even for operations that free some; nothing was changed.
        case full

        /// The batch failed and nothing was changed; the next one may succeed.
        case failed

        /// The batch failed because of what one of its operations says, such as a body that is too large for the store;
        /// nothing was changed. It would fail again, and the other operations would not.
        case refused

        /// The batch has happened as a whole or not at all, and it could not be found out which; the next one may succeed.
        case unknown

        /// The store cannot know any more what its disk holds, or its files are gone. The manager must stop.
        case lost

        /// The database cannot be used at all: wrong file, wrong version, no permission. Reported by opening only.
        case unusable

        /// Another process has to end first, and the message names it. Opening may succeed later. Reported by opening only.
        case inUse

        /// Tasks that were acknowledged are not in the files any more. Starting again does not help: a person has to decide.
        /// Reported by opening only.
        case acknowledgedTasksGone
    }

    /// The kind of trouble.
    public var code: Code

    /// One line for a person, naming the file where there is one.
    public var message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message alone: it is made for a person to read.
    public var description: String { message }
}
