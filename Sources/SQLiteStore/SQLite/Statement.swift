import CSQLite
import CSQLiteShims

/// A prepared statement, kept for the life of its connection.
///
/// The order of use is: bind, step until it says false or has given what is wanted, reset. Bindings stay until they are
/// bound anew. Parameters and columns count as in SQLite: parameters from 1, columns from 0.
final class Statement {
    /// What it was made from.
    let sql: String

    let handle: OpaquePointer
    private let connection: OpaquePointer

    /// Takes over a statement that the connection finalizes when it closes.
    init(_ handle: OpaquePointer, of connection: OpaquePointer, sql: String) {
        self.handle = handle
        self.connection = connection
        self.sql = sql
    }

    /// Gives a parameter an integer.
    func bind(_ value: Int64, at index: Int32) {
        sqlite3_bind_int64(handle, index, value)
    }

    /// Gives a parameter an integer, or NULL.
    func bind(_ value: Int64?, at index: Int32) {
        if let value {
            sqlite3_bind_int64(handle, index, value)
        } else {
            sqlite3_bind_null(handle, index)
        }
    }

    /// Gives a parameter a copy of a text.
    func bind(_ text: String, at index: Int32) {
        var text = text
        text.withUTF8 { utf8 in
            _ = utf8.withMemoryRebound(to: CChar.self) { characters in
                beanrow_bind_text(handle, index, characters.baseAddress, Int32(characters.count))
            }
        }
    }

    /// Gives parameter 1 an integer.
    func bind(_ first: Int64) {
        sqlite3_bind_int64(handle, 1, first)
    }

    /// Gives parameters 1 and 2 integers.
    func bind(_ first: Int64, _ second: Int64) {
        sqlite3_bind_int64(handle, 1, first)
        sqlite3_bind_int64(handle, 2, second)
    }

    /// Gives parameters 1 to 3 integers.
    func bind(_ first: Int64, _ second: Int64, _ third: Int64) {
        bind(first, second)
        sqlite3_bind_int64(handle, 3, third)
    }

    /// Gives parameters 1 to 4 integers.
    func bind(_ first: Int64, _ second: Int64, _ third: Int64, _ fourth: Int64) {
        bind(first, second, third)
        sqlite3_bind_int64(handle, 4, fourth)
    }

    /// Goes to the next row.
    ///
    /// - Returns: whether there is one. Where there is none the statement resets itself.
    func step() throws(SQLiteError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW:
            return true
        case SQLITE_DONE:
            sqlite3_reset(handle)
            return false
        case let code:
            let error = SQLiteError(code, of: connection)
            sqlite3_reset(handle)
            throw error
        }
    }

    /// Runs a statement that gives no rows, or whose rows nobody wants, to its end.
    ///
    /// - Returns: how many rows it inserted, updated or deleted.
    @discardableResult
    func run() throws(SQLiteError) -> Int {
        while try step() {}
        return Int(sqlite3_changes(connection))
    }

    /// Runs a statement with a blob among its parameters, without copying it; afterwards none is bound.
    ///
    /// - Parameters:
    ///   - blob: the bytes; may be empty.
    ///   - index: the parameter's number.
    /// - Throws: what SQLite answered.
    func run(binding blob: [UInt8], at index: Int32) throws(SQLiteError) {
        try run(binding: [blob], first: index, every: 1)
    }

    /// Runs a statement with several blobs among its parameters, without copying them; afterwards none is bound.
    ///
    /// - Parameters:
    ///   - blobs: the bytes of each; may be empty.
    ///   - first: the first blob's parameter.
    ///   - step: from there on every so many parameters.
    /// - Throws: what SQLite answered.
    func run(binding blobs: [[UInt8]], first: Int32, every step: Int32) throws(SQLiteError) {
        let code = self.step(binding: blobs, from: 0, at: first, every: step)
        // The error has to be read before the reset, which may replace it.
        let error = code == SQLITE_DONE ? nil : SQLiteError(code, of: connection)
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
        if let error { throw error }
    }

    /// Binds a blob and then those behind it within, since each one's bytes are lent for the length of a call only.
    private func step(binding blobs: [[UInt8]], from number: Int, at index: Int32, every step: Int32) -> Int32 {
        guard number < blobs.count else { return sqlite3_step(handle) }
        let blob = blobs[number]
        return blob.withUnsafeBytes { bytes in
            let code =
                if let base = bytes.baseAddress, !bytes.isEmpty {
                    // No destructor: the bytes outlive the step, and the bindings are cleared right after.
                    sqlite3_bind_blob64(handle, index, base, UInt64(bytes.count), nil)
                } else {
                    sqlite3_bind_zeroblob(handle, index, 0)
                }
            // SQLITE_TOOBIG: the parameter would be NULL.
            guard code == SQLITE_OK else { return code }
            return self.step(binding: blobs, from: number + 1, at: index + step, every: step)
        }
    }

    /// Ends the run, so that the statement can be bound and stepped anew.
    func reset() {
        sqlite3_reset(handle)
    }

    /// Gives the statement up.
    ///
    /// To be called at most once, and only for one that is not kept.
    func finalize() {
        sqlite3_finalize(handle)
    }

    /// A column of the present row as an integer; 0 where it is NULL.
    func int(_ column: Int32) -> Int64 {
        sqlite3_column_int64(handle, column)
    }

    /// A column of the present row as an integer, or nothing where it is NULL.
    func optionalInt(_ column: Int32) -> Int64? {
        sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : sqlite3_column_int64(handle, column)
    }

    /// A column of the present row as text; empty where it is NULL.
    func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// The first byte of a text column of the present row; enough to tell the words for states apart.
    func firstByte(_ column: Int32) -> UInt8 {
        sqlite3_column_text(handle, column)?.pointee ?? 0
    }

    /// A column of the present row as bytes; empty where it is NULL.
    func bytes(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(sqlite3_column_bytes(handle, column))
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}
