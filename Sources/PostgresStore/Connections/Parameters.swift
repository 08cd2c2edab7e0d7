/// The parameters of one statement, in PostgreSQL's binary format.
struct Parameters {
    /// All values, one after the other.
    ///
    /// The first byte gives empty values an address too: without one they would be null.
    private var writer = BinaryWriter()

    /// Where each value begins and its length; nil for null.
    private(set) var places: [(offset: Int, count: Int)?] = []

    init() {
        writer.reserveCapacity(512)
        writer.write(UInt8(0))
    }

    /// The bytes that ``places`` refers to.
    var storage: [UInt8] { writer.storage }

    mutating func add(_ value: Int64?) {
        guard let value else { return places.append(nil) }
        add { $0.write(value) }
    }

    mutating func add(_ value: Int32) {
        add { $0.write(value) }
    }

    mutating func add(_ value: Bool) {
        add { $0.write(value) }
    }

    mutating func add(_ text: String?) {
        guard let text else { return places.append(nil) }
        add { $0.write(text) }
    }

    mutating func add(bytes: [UInt8]?) {
        guard let bytes else { return places.append(nil) }
        add { $0.write(bytes) }
    }

    mutating func add(_ values: [Int64]) {
        add { writer in writer.write(array: values, BinaryWriter.TypeID.int64) { $0.write($1) } }
    }

    mutating func add(_ values: [String]) {
        add { writer in writer.write(array: values, BinaryWriter.TypeID.text) { $0.write($1) } }
    }

    mutating func add(_ values: [[UInt8]]) {
        add { writer in writer.write(array: values, BinaryWriter.TypeID.bytes) { $0.write($1) } }
    }

    /// Adds an array of operations.
    ///
    /// - Parameters:
    ///   - operations: the operations.
    ///   - type: the server's number for the type `operation_2`.
    mutating func add(_ operations: [PlannedOperation], type: Int32) {
        add { writer in writer.write(array: operations, type) { $1.write(to: &$0) } }
    }

    private mutating func add(_ write: (inout BinaryWriter) -> Void) {
        let start = writer.storage.count
        write(&writer)
        places.append((start, writer.storage.count - start))
    }
}
