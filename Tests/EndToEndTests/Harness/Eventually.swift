import Glibc
import Testing

/// Checks a condition again and again until it is true.
///
/// Fails if it does not become true.
///
/// For conditions without an event, such as a count in the statistics or a row in the database.
func eventually(
    _ what: String,
    timeout: Duration = TestSettings.patience,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ isSo: () throws -> Bool
) throws {
    let deadline = ContinuousClock.now + timeout
    while try !isSo() {
        try #require(ContinuousClock.now < deadline, "not within \(timeout): \(what)", sourceLocation: sourceLocation)
        usleep(2_000)
    }
}
