internal import Glibc
internal import TaskStore

/// Writes the lines of an export to a descriptor, and counts them.
final class ExportSink {
    private let descriptor: Int32
    private let path: String
    private let progress: (Int) -> Void
    private var buffer: [UInt8] = []

    /// What was written so far.
    private(set) var end = ExportEnd()

    /// - Parameters:
    ///   - descriptor: the descriptor to write to; the caller closes it.
    ///   - path: its name in messages.
    ///   - progress: called with the number of tasks now and then.
    init(_ descriptor: Int32, path: String, progress: @escaping (Int) -> Void) {
        self.descriptor = descriptor
        self.path = path
        self.progress = progress
    }

    /// Writes a line.
    func write(_ line: ExportLine) throws {
        switch line {
        case .tube: end.tubes += 1
        case .key: end.keys += 1
        case .task: end.tasks += 1
        case .header, .end: break
        }
        line.append(to: &buffer)
        try flush(beyond: 1 << 20)
    }

    /// Writes a task whose body is in other memory.
    func write(_ task: ExportedTask, body: UnsafeRawBufferPointer) throws {
        end.tasks += 1
        task.append(to: &buffer, body: body)
        if end.tasks % 50_000 == 0 { progress(end.tasks) }
        try flush(beyond: 1 << 20)
    }

    /// Writes the last line, and everything that is buffered.
    func finish() throws {
        try write(.end(end))
        try flush(beyond: 0)
    }

    private func flush(beyond size: Int) throws {
        guard buffer.count > size else { return }
        try OutputBytes.write(buffer, to: descriptor, path: path)
        buffer.removeAll(keepingCapacity: true)
    }
}
