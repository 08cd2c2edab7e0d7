/// Passes text to a ``LineWriter``, for `StreamLogHandler`.
public struct LineStream: TextOutputStream, Sendable {
    private let writer: LineWriter

    /// Creates a stream whose writes never block.
    ///
    /// - Parameter writer: writes the lines.
    public init(to writer: LineWriter) {
        self.writer = writer
    }

    /// Adds text to the writer's queue.
    ///
    /// - Parameter text: whole lines.
    public mutating func write(_ text: String) {
        writer.write(text)
    }
}
