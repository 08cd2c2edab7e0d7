/// The parameters of one statement in PostgreSQL's binary format.
///
/// An array is its number of dimensions, whether it has nulls, its elements' type, length and first index, then each
/// element with its length in front, −1 for null (`array_send` in PostgreSQL's arrayfuncs.c).
struct Parameters {
    /// Types by their numbers in `pg_type.dat`.
    private enum TypeID {
        static let bytes: Int32 = 17
        static let int64: Int32 = 20
        static let int32: Int32 = 23
        static let text: Int32 = 25
    }

    /// All values, one after the other, behind a byte that gives an empty value an address too: without, it would be null.
    private(set) var storage: [UInt8] = [0]

    /// Where each value begins and how long it is; none for null.
    private(set) var places: [(offset: Int, count: Int)?] = []

    init() {
        storage.reserveCapacity(512)
    }

    mutating func add(_ value: Int64?) {
        guard let value else { return places.append(nil) }
        add(count: 8) { $0.write(value) }
    }

    mutating func add(_ value: Int32) {
        add(count: 4) { $0.write(value) }
    }

    mutating func add(_ value: Bool) {
        add(count: 1) { $0.storage.append(value ? 1 : 0) }
    }

    mutating func add(_ text: String) {
        add(count: text.utf8.count) { $0.storage.append(contentsOf: text.utf8) }
    }

    mutating func add(_ values: [Int64]) {
        add(values.count, TypeID.int64) { parameters in
            for value in values {
                parameters.write(Int32(8))
                parameters.write(value)
            }
        }
    }

    mutating func add(_ values: [Int32]) {
        add(values.count, TypeID.int32) { parameters in
            for value in values {
                parameters.write(Int32(4))
                parameters.write(value)
            }
        }
    }

    mutating func add(_ values: [String]) {
        add(values.count, TypeID.text) { parameters in
            for value in values {
                parameters.write(Int32(truncatingIfNeeded: value.utf8.count))
                parameters.storage.append(contentsOf: value.utf8)
            }
        }
    }

    mutating func add(_ values: [[UInt8]]) {
        add(values.count, TypeID.bytes) { parameters in
            for value in values {
                parameters.write(Int32(truncatingIfNeeded: value.count))
                parameters.storage.append(contentsOf: value)
            }
        }
    }

    private mutating func add(_ count: Int, _ type: Int32, _ writeElements: (inout Parameters) -> Void) {
        let start = storage.count
        write(Int32(count == 0 ? 0 : 1))
        write(Int32(0))
        write(type)
        if count > 0 {
            write(Int32(truncatingIfNeeded: count))
            write(Int32(1))
            writeElements(&self)
        }
        places.append((start, storage.count - start))
    }

    private mutating func add(count: Int, _ write: (inout Parameters) -> Void) {
        places.append((storage.count, count))
        write(&self)
    }

    private mutating func write(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { storage.append(contentsOf: $0) }
    }
}
