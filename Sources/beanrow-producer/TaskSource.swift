internal import Dispatch
internal import Glibc

/// The source of the bodies: lines of a file, or generated bodies.
///
/// It reads on a dispatch queue, a few batches ahead of the producer.
struct TaskSource: Sendable {
    /// The most lines per batch.
    static let batchSize = 256

    private static let batchesAhead = 8
    private static let chunkSize = 256 * 1024

    /// An element of the stream.
    enum Input: Sendable {
        /// Some lines.
        case batch(LineBatch)

        /// The end of the lines. It is missing if reading was stopped before.
        case end
    }

    /// The batches, in the order of the input.
    let batches: AsyncThrowingStream<Input, any Error>

    private let continuation: AsyncThrowingStream<Input, any Error>.Continuation
    private let room = DispatchSemaphore(value: 0)

    private init() {
        (batches, continuation) = AsyncThrowingStream.makeStream(of: Input.self)
        // A semaphore traps if it is destroyed with a smaller value than at its start, so it starts with 0.
        for _ in 0..<Self.batchesAhead { room.signal() }
    }

    /// Reads lines.
    ///
    /// - Parameters:
    ///   - descriptor: the file to read.
    ///   - longest: the most bytes of a body.
    /// - Returns: the source. It reads until the end, an error, or ``stop()``.
    static func lines(of descriptor: CInt, longest: Int) -> TaskSource {
        let source = TaskSource()
        DispatchQueue(label: "input").async { source.read(descriptor, longest: longest) }
        return source
    }

    /// Generates bodies: their number, filled up to a size.
    ///
    /// - Parameters:
    ///   - count: the number of bodies.
    ///   - size: the size of each body in bytes, or `nil` for the number alone.
    /// - Returns: the source.
    static func generated(count: Int, size: Int?) -> TaskSource {
        let source = TaskSource()
        DispatchQueue(label: "input").async { source.generate(count, size: size) }
        return source
    }

    /// Returns a generated body: the number in decimal, then a space and dots up to the size.
    static func body(number: Int, size: Int?) -> [UInt8] {
        var body = Array(String(number).utf8)
        guard let size, body.count < size else { return body }
        body.append(UInt8(ascii: " "))
        body.append(contentsOf: repeatElement(UInt8(ascii: "."), count: size - body.count))
        return body
    }

    /// Records that the producer has taken a batch, so that another one may be read.
    func batchWasTaken() {
        room.signal()
    }

    /// Ends the stream after the batches that were read.
    func stop() {
        continuation.finish()
        room.signal()
    }

    private func read(_ descriptor: CInt, longest: Int) {
        var splitter = LineSplitter(longest: longest)
        var chunk = [UInt8](repeating: 0, count: Self.chunkSize)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
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
                guard pass(batch) else { return }
            }
            if count < 0 { return continuation.finish(throwing: InputFailure(code: failure)) }
            if count == 0 { return end() }
        }
    }

    private func generate(_ count: Int, size: Int?) {
        for first in stride(from: 1, through: count, by: Self.batchSize) {
            let last = min(first + Self.batchSize - 1, count)
            let lines = (first...last).map { LineBatch.Line.body(Self.body(number: $0, size: size)) }
            guard pass(LineBatch(firstNumber: first, lines: lines)) else { return }
        }
        end()
    }

    private func end() {
        continuation.yield(.end)
        continuation.finish()
    }

    private func pass(_ batch: LineBatch) -> Bool {
        room.wait()
        if case .terminated = continuation.yield(.batch(batch)) { return false }
        return true
    }
}
