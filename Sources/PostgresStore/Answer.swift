import CPostgres

/// Rows that the server has sent, in binary format.
///
/// Reads what is not there, or is shorter than its type, as 0 or empty.
final class Answer {
    private let result: OpaquePointer

    /// Takes over what libpq gave.
    init(_ result: OpaquePointer) {
        self.result = result
    }

    deinit {
        PQclear(result)
    }

    var rows: Int { Int(PQntuples(result)) }

    func isNull(_ row: Int, _ column: Int) -> Bool {
        PQgetisnull(result, Int32(row), Int32(column)) == 1
    }

    func int64(_ row: Int, _ column: Int) -> Int64 {
        Int64(bigEndian: load(row, column) ?? 0)
    }

    func int32(_ row: Int, _ column: Int) -> Int32 {
        Int32(bigEndian: load(row, column) ?? 0)
    }

    func bool(_ row: Int, _ column: Int) -> Bool {
        (load(row, column) as UInt8?) == 1
    }

    func bytes(_ row: Int, _ column: Int) -> [UInt8] {
        Array(value(row, column))
    }

    func text(_ row: Int, _ column: Int) -> String {
        String(decoding: value(row, column), as: UTF8.self)
    }

    /// Reads an array of 8-byte numbers; see ``Parameters`` for the format.
    func int64s(_ row: Int, _ column: Int) -> [Int64] {
        let value = value(row, column)
        guard value.count >= 20 else { return [] }
        return stride(from: 20, through: value.count - 12, by: 12)
            .map { Int64(bigEndian: value.loadUnaligned(fromByteOffset: $0 + 4, as: Int64.self)) }
    }

    /// Reads an array of texts.
    func texts(_ row: Int, _ column: Int) -> [String] {
        let value = value(row, column)
        var texts: [String] = []
        var offset = 20
        while offset + 4 <= value.count {
            let count = Int(Int32(bigEndian: value.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
            guard count >= 0, offset + 4 + count <= value.count else { break }
            texts.append(String(decoding: value[(offset + 4)..<(offset + 4 + count)], as: UTF8.self))
            offset += 4 + count
        }
        return texts
    }

    /// The bytes of a field, which stay where they are as long as this object.
    private func value(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: PQgetvalue(result, Int32(row), Int32(column)),
            count: Int(PQgetlength(result, Int32(row), Int32(column)))
        )
    }

    private func load<Value: FixedWidthInteger>(_ row: Int, _ column: Int) -> Value? {
        let value = value(row, column)
        guard value.count >= MemoryLayout<Value>.size else { return nil }
        return value.loadUnaligned(as: Value.self)
    }
}
