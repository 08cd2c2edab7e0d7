import CPostgres
import Glibc

/// Rows that the server has sent, in binary format.
///
/// A value that is null, or shorter than its type, is read as 0 or as empty.
package final class ResultRows {
    private let result: OpaquePointer

    /// Takes ownership of libpq's result.
    init(_ result: OpaquePointer) {
        self.result = result
    }

    deinit {
        PQclear(result)
    }

    package var count: Int { Int(PQntuples(result)) }

    package func isNull(_ row: Int, _ column: Int) -> Bool {
        PQgetisnull(result, Int32(row), Int32(column)) == 1
    }

    package func int64(_ row: Int, _ column: Int) -> Int64 {
        Int64(bigEndian: load(row, column) ?? 0)
    }

    package func int32(_ row: Int, _ column: Int) -> Int32 {
        Int32(bigEndian: load(row, column) ?? 0)
    }

    package func bool(_ row: Int, _ column: Int) -> Bool {
        (load(row, column) as UInt8?) == 1
    }

    package func bytes(_ row: Int, _ column: Int) -> [UInt8] {
        Array(value(row, column))
    }

    package func text(_ row: Int, _ column: Int) -> String {
        String(decoding: value(row, column), as: UTF8.self)
    }

    /// Returns whether a text is this one.
    func isText(_ row: Int, _ column: Int, _ text: StaticString) -> Bool {
        let value = value(row, column)
        guard let start = value.baseAddress, value.count == text.utf8CodeUnitCount else { return false }
        return memcmp(start, text.utf8Start, value.count) == 0
    }

    /// Reads an array of 8-byte numbers, with nil for null.
    ///
    /// ``BinaryWriter`` describes the format.
    package func int64s(_ row: Int, _ column: Int) -> [Int64?] {
        let value = value(row, column)
        guard value.count >= 20 else { return [] }
        var numbers: [Int64?] = []
        numbers.reserveCapacity((value.count - 20) / 12)
        var offset = 20
        while offset + 4 <= value.count {
            let length = Int(Int32(bigEndian: value.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
            offset += 4
            if length == 8, offset + 8 <= value.count {
                numbers.append(Int64(bigEndian: value.loadUnaligned(fromByteOffset: offset, as: Int64.self)))
                offset += 8
            } else {
                numbers.append(nil)
            }
        }
        return numbers
    }

    /// Returns the bytes of a value, which stay valid as long as this object.
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
