/// Hands what is printed to a ``LineWriter``, for `StreamLogHandler`.
public struct LineStream: TextOutputStream, Sendable {
    private let writer: LineWriter

    /// Makes a stream whose writes do not wait.
    ///
    /// - Parameter writer: takes the lines.
    public init(to writer: LineWriter) {
        self.writer = writer
    }

    /// Puts text into the writer's queue.
    ///
    /// - Parameter text: whole lines.
    public mutating func write(_ text: String) {
        writer.write(text)
    }
}
