public import BeanstalkWire
public import TaskStore

/// A client that a manager knows, and its rights.
///
/// It never changes: a reload of the tokens file makes other principals. So it can be used on any thread.
public final class Principal: Sendable {
    /// The name, for the audit and for named sessions.
    public let name: PrincipalName

    /// What proves that a client is this principal.
    public let credential: Credential

    /// The rights, from all lines of the credential.
    public let grants: [Grant]

    /// The tubes of each right.
    private let tubes: [Right: [TubeGlob]]

    /// The filter of each right, for verbs that name a task; no filter if the right holds in all tubes.
    ///
    /// A holder may do with its task what ``Right/reserve`` allows, and read it.
    private let filters: [Right: AccessFilter]

    /// The filter for ``Verb/delete``; `nil` if it may delete all tasks.
    private let deleteFilter: AccessFilter?

    /// Makes a principal.
    ///
    /// - Parameters:
    ///   - name: the name.
    ///   - credential: what proves that a client is this principal.
    ///   - grants: the rights; they add up.
    public init(name: PrincipalName, credential: Credential, grants: [Grant]) {
        self.name = name
        self.credential = credential
        self.grants = grants
        var tubes: [Right: [TubeGlob]] = [:]
        for right in Right.allCases {
            let globs = grants.filter { $0.rights.contains(right) }.flatMap(\.tubes)
            tubes[right] = globs.contains(where: \.matchesAll) ? [.all] : globs
        }
        self.tubes = tubes
        let (reserve, admin) = (tubes[.reserve] ?? [], tubes[.admin] ?? [])
        var filters: [Right: AccessFilter] = [:]
        for (right, others) in tubes where others != [.all] {
            let held = right == .look || right == .read ? reserve + others : others
            filters[right] = AccessFilter(held: held, others: others)
        }
        self.filters = filters
        deleteFilter = reserve == [.all] && admin == [.all] ? nil : AccessFilter(held: reserve, others: admin)
    }

    /// Returns whether the principal has a right in a tube.
    public func may(_ right: Right, in tube: TubeName) -> Bool {
        tubes[right]?.contains { $0.matches(tube) } ?? false
    }

    /// Returns whether the principal has a right in at least one tube that could exist.
    public func mayAnywhere(_ right: Right) -> Bool {
        tubes[right]?.isEmpty == false
    }

    /// Returns whether the principal has a right in all tubes.
    public func mayEverywhere(_ right: Right) -> Bool {
        tubes[right] == [.all]
    }

    /// Returns the tubes in which a command that names a task may find it, or that a list may show.
    ///
    /// To delete a task that no session holds is an operator's work: it needs ``Right/admin`` and not
    /// ``Right/reserve``. A session may read the tasks that it holds with ``Right/reserve`` alone.
    ///
    /// - Parameter verb: the command's verb.
    /// - Returns: `nil` if it may find all tasks.
    public func filter(for verb: Verb) -> AccessFilter? {
        if verb == .delete { return deleteFilter }
        return verb.right.flatMap { filters[$0] }
    }
}
