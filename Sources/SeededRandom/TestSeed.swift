internal import Glibc

/// The seed of the random tests of one process.
public enum TestSeed {
    /// The environment variable that repeats a run.
    public static let variable = "BEANROW_TEST_SEED"

    /// The value of ``variable``, or a new number if it is not set.
    ///
    /// The first use prints it.
    public static let current: UInt64 = {
        let given = getenv(variable).flatMap { UInt64(String(cString: $0)) }
        let seed = given ?? .random(in: 1...UInt64(UInt32.max))
        print("random tests: \(variable)=\(seed) repeats their choices")
        return seed
    }()

    /// Returns some fixed seeds, for what they have found before, and ``current``.
    ///
    /// - Parameter fixed: seeds that every run uses.
    /// - Returns: all seeds, each once.
    public static func seeds(with fixed: some Sequence<UInt64>) -> [UInt64] {
        fixed.filter { $0 != current } + [current]
    }
}
