internal import Dispatch
internal import Foundation

/// Where the bodies come from: lines of a file, or generated ones.
///
/// They are read on a thread of its own, only a few batches ahead of who takes them.
struct TaskSource: Sendable {
    /// Lines in one batch, at most.
    static let batchSize = 256

    private static let batchesAhead = 8
    private static let chunkSize = 256 * 1024

    /// What is read.
    enum Input: Sendable {
        /// Some lines.
        case batch(LineBatch)

        /// There are no more lines. If it does not come, reading was stopped before.
        case end
    }

    /// The batches, in order.
    let batches: AsyncThrowingStream<Input, any Error>

    private let continuation: AsyncThrowingStream<Input, any Error>.Continuation
    private let room = DispatchSemaphore(value: 0)

    private init() {
        (batches, continuation) = AsyncThrowingStream.makeStream(of: Input.self)
        // A semaphore that ends with less than it began with is a trap, so it begins with nothing.
        for _ in 0..<Self.batchesAhead { room.signal() }
    }

    /// Reads lines.
    ///
    /// - Parameters:
    ///   - descriptor: where from.
    ///   - longest: the most bytes a line may have to be a body.
    /// - Returns: the source. Reading goes on until the end, an error, or ``stop()``.
    static func lines(of descriptor: CInt, longest: Int) -> TaskSource {
        let source = TaskSource()
        DispatchQueue(label: "input").async { source.read(descriptor, longest: longest) }
        return source
    }

    /// Makes bodies: their number, filled up to a size.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - size: how many bytes each shall have; none for just the number.
    /// - Returns: the source.
    static func generated(count: Int, size: Int?) -> TaskSource {
        let source = TaskSource()
        DispatchQueue(label: "input").async { source.generate(count, size: size) }
        return source
    }

    /// The body with this number: the number in decimal, then a space and dots up to the size.
    static func body(number: Int, size: Int?) -> [UInt8] {
        var body = Array(String(number).utf8)
        guard let size, body.count < size else { return body }
        body.append(UInt8(ascii: " "))
        body.append(contentsOf: repeatElement(UInt8(ascii: "."), count: size - body.count))
        return body
    }

    /// Says that a batch was dealt with, so that another one may be read.
    func took() {
        room.signal()
    }

    /// Ends the batches, after those that were read.
    func stop() {
        continuation.finish()
        room.signal()
    }

    private func read(_ descriptor: CInt, longest: Int) {
        var splitter = LineSplitter(longest: longest)
        var chunk = [UInt8](repeating: 0, count: Self.chunkSize)
        while true {
            let count = chunk.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
            let failure = errno
            if count < 0 && failure == EINTR { continue }
            if count < 0 && failure == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                poll(&ready, 1, -1)
                continue
            }
            if count > 0 {
                splitter.append(chunk[..<count])
            } else {
                splitter.finish()
            }
            for batch in splitter.take(upTo: Self.batchSize) {
                guard hand(batch) else { return }
            }
            if count < 0 { return continuation.finish(throwing: InputFailure(code: failure)) }
            if count == 0 { return end() }
        }
    }

    private func generate(_ count: Int, size: Int?) {
        for first in stride(from: 1, through: count, by: Self.batchSize) {
            let last = min(first + Self.batchSize - 1, count)
            let lines = (first...last).map { LineBatch.Line.body(Self.body(number: $0, size: size)) }
            guard hand(LineBatch(firstNumber: first, lines: lines)) else { return }
        }
        end()
    }

    private func end() {
        continuation.yield(.end)
        continuation.finish()
    }

    private func hand(_ batch: LineBatch) -> Bool {
        room.wait()
        if case .terminated = continuation.yield(.batch(batch)) { return false }
        return true
    }
}

/// Why the input could not be read to its end.
struct InputFailure: Error, CustomStringConvertible {
    /// The system's error number.
    var code: CInt

    /// The system's words for it.
    var description: String { "cannot read the input: " + String(cString: strerror(code)).lowercased() }
}
