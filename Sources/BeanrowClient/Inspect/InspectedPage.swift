/// A page of a list.
public struct InspectedPage<Row: Sendable>: Sendable {
    /// The rows.
    ///
    /// A page may have none although others follow.
    public var rows: [Row]

    /// What to pass as `after` for the next page; `nil` if the list ends here.
    public var next: String?

    /// Makes a page.
    public init(rows: [Row], next: String?) {
        self.rows = rows
        self.next = next
    }
}
