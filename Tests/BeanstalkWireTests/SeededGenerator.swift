import Foundation

/// Random numbers that are the same for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// The seeds of a run: some that never change, and one that is new each time or given by `BEANROW_SEED`.
let fuzzSeeds: [UInt64] = {
    let given = ProcessInfo.processInfo.environment["BEANROW_SEED"].flatMap { UInt64($0) }
    let seed = given ?? .random(in: 1...UInt64(UInt32.max))
    print("seed of the random streams: \(seed) (BEANROW_SEED=\(seed) gives the same again)")
    return [1, 2, 3, seed]
}()

/// How many streams each seed gives; fewer with a sanitizer, which takes ten times as long.
let fuzzRounds = ProcessInfo.processInfo.environment["BEANROW_TEST_SANITIZED"] == nil ? 400 : 40
