import Foundation
import SeededRandom

/// The extent of the random tests.
enum FuzzSettings {
    /// Seeds of the streams: some that never change, and the one of this run.
    static let seeds = TestSeed.seeds(with: 1...3)

    /// Streams per seed: fewer with a sanitizer, which takes ten times as long.
    static let rounds = ProcessInfo.processInfo.environment["BEANROW_TEST_SANITIZED"] == nil ? 400 : 40
}
