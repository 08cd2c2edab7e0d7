internal import Glibc
internal import TaskStore

/// Reads a file line by line, with a bounded buffer.
struct LineInput {
    /// The longest line: a body of 1 GiB in base64 and its other fields.
    private static let longest = 3 << 30

    private let descriptor: Int32
    private let path: String
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false

    /// The number of lines that were read.
    private(set) var lines = 0

    /// Reads from a descriptor, which the caller closes.
    init(_ descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Returns the next line without its line end; `nil` at the end of the file.
    ///
    /// - Throws: `StoreError` if the file cannot be read, or if the last line has no end.
    mutating func next() throws -> ArraySlice<UInt8>? {
        var searched = position
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { position = end + 1 }
                lines += 1
                return buffer[position..<end]
            }
            searched = buffer.count - position
            try fill()
            if isAtEnd {
                guard position == buffer.count else {
                    throw StoreError(.unusable, "\(path): line \(lines + 1) is cut short: the export is not complete")
                }
                return nil
            }
        }
    }

    private mutating func fill() throws {
        buffer.removeSubrange(..<position)
        position = 0
        guard buffer.count < Self.longest else { throw StoreError(.unusable, "\(path): line \(lines + 1) is too long") }
        let size = max(1 << 20, buffer.count)
        let old = buffer.count
        var code: Int32 = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            var got = read(descriptor, bytes.baseAddress, size)
            while got < 0, errno == EINTR { got = read(descriptor, bytes.baseAddress, size) }
            if got < 0 { code = errno }
            count = max(0, got)
        }
        guard code == 0 else { throw StoreError(.unusable, "\(path): \(String(cString: strerror(code)))") }
        buffer += chunk
        isAtEnd = buffer.count == old
    }
}
