import Foundation
import Glibc

/// A machine whose clock can be set without setting it: a library (Harness/preload/clock) that is preloaded into
/// managers and adds seconds to the wall clock that they read.
final class SettableClock: Sendable {
    private let control: String

    /// Makes a clock that is right so far.
    ///
    /// - Parameter control: a path for the file that holds the seconds.
    /// - Throws: if the file cannot be made.
    init(control: String) throws {
        self.control = control
        guard FileManager.default.createFile(atPath: control, contents: Data(count: 8)) else {
            throw HarnessError("cannot write \(control)")
        }
    }

    /// What a manager needs in its environment to have this clock.
    func environment() throws -> [String: String] {
        ["LD_PRELOAD": try Self.library.get(), "BEANROW_CLOCK": control]
    }

    /// Sets the clock ahead of the machine's.
    func set(seconds: Int64) throws {
        guard let file = FileHandle(forWritingAtPath: control) else { throw HarnessError("cannot write \(control)") }
        defer { try? file.close() }
        try file.write(contentsOf: withUnsafeBytes(of: seconds) { Data($0) })
    }

    /// The library, built once for a run of the tests.
    private static let library = Result<String, any Error> { try Preload.build("clock") }
}
