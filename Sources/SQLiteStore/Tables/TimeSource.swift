/// What the passing of time ends.
///
/// A new kind of event in time is a case here, with a query for its next event and a function that ends what is due;
/// see ``TaskTables/applyDueEvents()``.
enum TimeSource: CaseIterable {
    case pauses
    case namedClaims
    case delays
}
