import Glibc
import Testing

/// Asks again and again until the answer is yes; fails when it does not come to that.
///
/// For what shows only by asking (a count in the statistics, a row in the database). Nothing succeeds by waiting longer.
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
