/// The answer to an ``InspectQuery``.
public enum Inspection: Sendable, Equatable {
    /// All managers, by number.
    case managers([ManagerDescription])

    /// A page of tubes.
    case tubes(InspectPage<TubeStatistics>)

    /// One tube.
    case tube(TubeStatistics)

    /// A page of tasks.
    case tasks(InspectPage<TaskDescription>)

    /// One task.
    case task(TaskDescription)

    /// A page of claimed tasks.
    case claims(InspectPage<TaskDescription>)

    /// A page of named sessions.
    case sessions(InspectPage<SessionDescription>)

    /// The store.
    case store(StoreDescription)
}

extension Inspection {
    /// The same without the bodies of tasks, and without their starts.
    public var withoutBodies: Inspection {
        switch self {
        case .tasks(var page):
            for index in page.rows.indices { page.rows[index].body = .hidden }
            return .tasks(page)
        case .task(var task):
            task.body = .hidden
            return .task(task)
        case .managers, .tubes, .tube, .claims, .sessions, .store:
            return self
        }
    }
}

/// A part of a list.
public struct InspectPage<Row: Sendable & Equatable>: Sendable, Equatable {
    /// The rows, which may be none although others follow.
    public var rows: [Row]

    /// The key behind which the next page begins; `nil` if the list ends with this page.
    public var next: String?

    /// Makes a page.
    public init(_ rows: [Row], next: String? = nil) {
        self.rows = rows
        self.next = next
    }
}
