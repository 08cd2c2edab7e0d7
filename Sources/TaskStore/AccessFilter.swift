/// The tubes in which an operation may find a task or show a tube.
///
/// A store applies it inside the operation's transaction, to the tube that the task is in then. A task in another tube
/// does not exist for the operation: the outcome is ``Outcome/notFound``. ``Action/listTubes`` leaves other tubes out.
///
/// Only operations that name a task and ``Action/listTubes`` are filtered. Tubes that an operation names are checked by
/// the manager before it asks the store.
///
/// It is a class, so that an operation without a filter costs one word.
public final class AccessFilter: Sendable, Equatable {
    /// The tubes in which the operation may find a task that its session holds.
    public let held: [TubeGlob]

    /// The tubes in which it may find any other task; for ``Action/listTubes`` the tubes that it may show.
    public let others: [TubeGlob]

    /// Makes a filter.
    ///
    /// - Parameters:
    ///   - held: patterns for the tubes of tasks that the session holds; none match if there are none.
    ///   - others: patterns for the tubes of all other tasks, and for tubes in lists.
    public init(held: [TubeGlob], others: [TubeGlob]) {
        self.held = held
        self.others = others
    }

    /// Returns whether the operation may find a task.
    ///
    /// - Parameters:
    ///   - tube: the task's tube.
    ///   - isHeld: whether the operation's session holds the task.
    /// - Returns: `false` if the task must not be found.
    public func finds(taskIn tube: TubeName, isHeld: Bool) -> Bool {
        (isHeld ? held : others).contains { $0.matches(tube) }
    }

    /// Returns whether a list may show a tube.
    public func shows(_ tube: TubeName) -> Bool {
        others.contains { $0.matches(tube) }
    }

    /// Returns whether two filters have the same patterns.
    public static func == (lhs: AccessFilter, rhs: AccessFilter) -> Bool {
        lhs === rhs || (lhs.held == rhs.held && lhs.others == rhs.others)
    }
}
