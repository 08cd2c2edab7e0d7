import Foundation
import Glibc

/// The output of a program, which a thread reads.
final class Output: @unchecked Sendable {
    // Unchecked: all mutable state is used only while `condition` is locked. A Mutex has no condition variable.
    private let condition = NSCondition()
    private var bytes: [UInt8] = []
    private var lineCount = 0
    private var ended = false

    /// Reads from a descriptor until its end, then closes it.
    init(descriptor: Int32) {
        Thread.detachNewThread { [self] in
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                condition.lock()
                if count > 0 {
                    bytes.append(contentsOf: buffer[..<count])
                    lineCount += buffer[..<count].count { $0 == UInt8(ascii: "\n") }
                } else {
                    ended = true
                }
                condition.broadcast()
                condition.unlock()
                if count <= 0 { break }
            }
            close(descriptor)
        }
    }

    /// All output so far.
    var text: String {
        condition.lock()
        defer { condition.unlock() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// All complete lines so far.
    var lines: [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// The number of complete lines so far.
    var count: Int {
        condition.lock()
        defer { condition.unlock() }
        return lineCount
    }

    /// Waits for a complete line that starts with some words.
    func line(startingWith words: String, timeout: Duration = TestSettings.patience) -> String? {
        line(timeout: timeout) { $0.starts(with: words.utf8) }
    }

    /// Waits for a complete line that contains some words.
    func line(containing words: String, timeout: Duration = TestSettings.patience) -> String? {
        line(timeout: timeout) { String(decoding: $0, as: UTF8.self).contains(words) }
    }

    private func line(timeout: Duration, where isWanted: (ArraySlice<UInt8>) -> Bool) -> String? {
        let deadline = Date(timeIntervalSinceNow: timeout.inSeconds)
        condition.lock()
        defer { condition.unlock() }
        while true {
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
            if let line = lines.first(where: isWanted) {
                return String(decoding: line, as: UTF8.self)
            }
            guard !ended, condition.wait(until: deadline) else { return nil }
        }
    }

    /// Waits for a number of complete lines.
    func waitForLines(_ count: Int, timeout: Duration = TestSettings.patience) -> Bool {
        let deadline = Date(timeIntervalSinceNow: timeout.inSeconds)
        condition.lock()
        defer { condition.unlock() }
        while lineCount < count {
            guard !ended, condition.wait(until: deadline) else { return lineCount >= count }
        }
        return true
    }

    /// Waits for the end of all output.
    func waitForEnd(timeout: Duration) -> Bool {
        let deadline = Date(timeIntervalSinceNow: timeout.inSeconds)
        condition.lock()
        defer { condition.unlock() }
        while !ended {
            guard condition.wait(until: deadline) else { return ended }
        }
        return true
    }
}

/// An event that happens once, and that threads may wait for.
final class Event<Value: Sendable>: @unchecked Sendable {
    // Unchecked: `happened` is used only while `condition` is locked. A Mutex has no condition variable.
    private let condition = NSCondition()
    private var happened: Value?

    /// The value of the event, or `nil` before it.
    var value: Value? {
        condition.lock()
        defer { condition.unlock() }
        return happened
    }

    /// Makes it happen.
    ///
    /// `make` does not run at the same time as the body of ``ifNotYet(_:)``.
    func happen(_ make: () -> Value) {
        condition.lock()
        defer { condition.unlock() }
        happened = make()
        condition.broadcast()
    }

    /// Runs code that must not run after the event.
    func ifNotYet(_ body: () -> Void) {
        condition.lock()
        defer { condition.unlock() }
        if happened == nil { body() }
    }

    /// Waits until it has happened.
    func wait(timeout: Duration) -> Value? {
        let deadline = Date(timeIntervalSinceNow: timeout.inSeconds)
        condition.lock()
        defer { condition.unlock() }
        while happened == nil {
            guard condition.wait(until: deadline) else { return happened }
        }
        return happened
    }
}

extension Duration {
    /// The same in seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
