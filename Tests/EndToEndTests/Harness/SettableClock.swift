import Foundation
import Glibc

/// A wall clock that can be set for some managers: a library (Harness/preload/clock) that is preloaded into
/// them and adds seconds to the wall clock that they read.
final class SettableClock: Sendable {
    private let control: String

    /// Creates a clock that is right.
    ///
    /// - Parameter control: a path for the file that holds the seconds.
    /// - Throws: if the file cannot be made.
    init(control: String) throws {
        self.control = control
        guard FileManager.default.createFile(atPath: control, contents: Data(count: 8)) else {
            throw HarnessError("cannot write \(control)")
        }
    }

    /// The environment of a manager with this clock.
    func environment() throws -> [String: String] {
        ["LD_PRELOAD": try Self.library.get(), "BEANROW_CLOCK": control]
    }

    /// Sets the clock ahead of the machine's clock.
    func set(seconds: Int64) throws {
        guard let file = FileHandle(forWritingAtPath: control) else { throw HarnessError("cannot write \(control)") }
        defer { try? file.close() }
        try file.write(contentsOf: withUnsafeBytes(of: seconds) { Data($0) })
    }

    /// The library, which is built once per test run.
    private static let library = Result<String, any Error> { try Preload.build("clock") }
}
