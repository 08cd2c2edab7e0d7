/// Writes values in PostgreSQL's binary format.
///
/// An array is its number of dimensions, whether it has nulls, the type of its elements, their number and the first index.
/// Then follows each element, with its length in front (`array_send` in PostgreSQL's arrayfuncs.c). A record is the number
/// of its fields. Then follows each field, with its type and its length in front, −1 for null (`record_send` in
/// rowtypes.c).
struct BinaryWriter {
    /// Types by their numbers in `pg_type.dat`.
    enum TypeID {
        static let bool: Int32 = 16
        static let bytes: Int32 = 17
        static let int64: Int32 = 20
        static let int32: Int32 = 23
        static let text: Int32 = 25
        static let texts: Int32 = 1009
    }

    private(set) var storage: [UInt8] = []

    mutating func reserveCapacity(_ count: Int) {
        storage.reserveCapacity(count)
    }

    mutating func write(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { storage.append(contentsOf: $0) }
    }

    mutating func write(_ value: Bool) {
        storage.append(value ? 1 : 0)
    }

    mutating func write(_ text: String) {
        storage.append(contentsOf: text.utf8)
    }

    mutating func write(_ bytes: [UInt8]) {
        storage.append(contentsOf: bytes)
    }

    /// Writes an array.
    ///
    /// - Parameters:
    ///   - values: the elements.
    ///   - type: the number of their type.
    ///   - writeElement: writes one element without its length.
    mutating func write<Value>(
        array values: [Value],
        _ type: Int32,
        _ writeElement: (inout BinaryWriter, Value) -> Void
    ) {
        write(Int32(values.isEmpty ? 0 : 1))
        write(Int32(0))
        write(type)
        guard !values.isEmpty else { return }
        write(Int32(truncatingIfNeeded: values.count))
        write(Int32(1))
        for value in values { writeWithLength { writeElement(&$0, value) } }
    }

    /// Writes a field of a record.
    ///
    /// - Parameters:
    ///   - value: the value; nil for null.
    ///   - type: the number of its type.
    ///   - writeValue: writes the value without its length.
    mutating func write<Value>(
        field value: Value?,
        _ type: Int32,
        _ writeValue: (inout BinaryWriter, Value) -> Void
    ) {
        write(type)
        guard let value else { return write(Int32(-1)) }
        writeWithLength { writeValue(&$0, value) }
    }

    private mutating func writeWithLength(_ writeValue: (inout BinaryWriter) -> Void) {
        let start = storage.count
        write(Int32(0))
        writeValue(&self)
        let length = UInt32(truncatingIfNeeded: storage.count - start - 4)
        for index in 0..<4 { storage[start + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(index))) }
    }
}

/// The fields of a record, in order.
extension BinaryWriter {
    mutating func field(_ value: Int32) {
        write(field: value, TypeID.int32) { $0.write($1) }
    }

    mutating func field(_ value: Int64?) {
        write(field: value, TypeID.int64) { $0.write($1) }
    }

    mutating func field(_ value: Bool) {
        write(field: value, TypeID.bool) { $0.write($1) }
    }

    mutating func field(_ text: String?) {
        write(field: text, TypeID.text) { $0.write($1) }
    }

    mutating func field(_ bytes: [UInt8]?) {
        write(field: bytes, TypeID.bytes) { $0.write($1) }
    }

    mutating func field(_ texts: [String]) {
        write(field: texts, TypeID.texts) { writer, texts in
            writer.write(array: texts, TypeID.text) { $0.write($1) }
        }
    }
}
