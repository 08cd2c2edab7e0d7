import CSQLite
import CSQLiteShims

/// A prepared statement, kept for the life of its connection.
///
/// The order of use is: bind, step until it returns false or until no more rows are wanted, reset. Bindings stay until
/// they are replaced. Numbers are as in SQLite: parameters from 1, columns from 0.
package final class Statement {
    /// The text of the statement.
    let sql: String

    let handle: OpaquePointer
    private let connection: OpaquePointer

    /// Wraps a statement that the connection finalizes when it closes.
    init(_ handle: OpaquePointer, of connection: OpaquePointer, sql: String) {
        self.handle = handle
        self.connection = connection
        self.sql = sql
    }

    /// Binds an integer to a parameter.
    package func bind(_ value: Int64, at index: Int32) {
        sqlite3_bind_int64(handle, index, value)
    }

    /// Binds an integer or NULL to a parameter.
    package func bind(_ value: Int64?, at index: Int32) {
        if let value {
            sqlite3_bind_int64(handle, index, value)
        } else {
            sqlite3_bind_null(handle, index)
        }
    }

    /// Binds a copy of a text to a parameter.
    package func bind(_ text: String, at index: Int32) {
        var text = text
        text.withUTF8 { utf8 in
            _ = utf8.withMemoryRebound(to: CChar.self) { characters in
                beanrow_bind_text(handle, index, characters.baseAddress, Int32(characters.count))
            }
        }
    }

    /// Binds a copy of bytes to a parameter.
    func bind(copying bytes: [UInt8], at index: Int32) {
        // SQLITE_TRANSIENT, a macro that Swift does not import: SQLite makes a copy before the call returns.
        let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        _ = bytes.withUnsafeBytes { sqlite3_bind_blob64(handle, index, $0.baseAddress, UInt64($0.count), copies) }
    }

    /// Binds an integer to parameter 1.
    package func bind(_ first: Int64) {
        sqlite3_bind_int64(handle, 1, first)
    }

    /// Binds integers to parameters 1 and 2.
    package func bind(_ first: Int64, _ second: Int64) {
        sqlite3_bind_int64(handle, 1, first)
        sqlite3_bind_int64(handle, 2, second)
    }

    /// Binds integers to parameters 1 to 3.
    package func bind(_ first: Int64, _ second: Int64, _ third: Int64) {
        bind(first, second)
        sqlite3_bind_int64(handle, 3, third)
    }

    /// Binds integers to parameters 1 to 4.
    package func bind(_ first: Int64, _ second: Int64, _ third: Int64, _ fourth: Int64) {
        bind(first, second, third)
        sqlite3_bind_int64(handle, 4, fourth)
    }

    /// Goes to the next row.
    ///
    /// - Returns: false if there is none; the statement is reset then.
    /// - Throws: SQLite's error.
    package func step() throws(SQLiteError) -> Bool {
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

    /// Runs the statement to its end and drops its rows.
    ///
    /// - Returns: the number of rows that it inserted, updated or deleted.
    /// - Throws: SQLite's error.
    @discardableResult
    package func run() throws(SQLiteError) -> Int {
        while try step() {}
        return Int(sqlite3_changes(connection))
    }

    /// Runs the statement with a blob, without copying it.
    ///
    /// Afterwards no parameter is bound.
    ///
    /// - Parameters:
    ///   - blob: the bytes; may be empty.
    ///   - index: the parameter's number.
    /// - Throws: SQLite's error.
    package func run(binding blob: [UInt8], at index: Int32) throws(SQLiteError) {
        try run(binding: [blob], first: index, every: 1)
    }

    /// Runs the statement with several blobs, without copying them.
    ///
    /// Afterwards no parameter is bound.
    ///
    /// - Parameters:
    ///   - blobs: the bytes of each; may be empty.
    ///   - first: the first blob's parameter.
    ///   - step: the distance between two of the blobs' parameters.
    /// - Throws: SQLite's error.
    package func run(binding blobs: [[UInt8]], first: Int32, every step: Int32) throws(SQLiteError) {
        let code = self.step(binding: blobs, from: 0, at: first, every: step)
        // The error has to be read before the reset, which may replace it.
        let error = code == SQLITE_DONE ? nil : SQLiteError(code, of: connection)
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
        if let error { throw error }
    }

    /// Binds a blob, and calls itself for the next one: the bytes of a blob are available only during a call.
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

    /// Resets the statement, so that it can be bound and stepped again.
    package func reset() {
        sqlite3_reset(handle)
    }

    /// Finalizes the statement.
    ///
    /// At most once, and only for a statement that is not kept.
    package func finalize() {
        sqlite3_finalize(handle)
    }

    /// Returns a column of the current row as an integer; 0 if it is NULL.
    package func int(_ column: Int32) -> Int64 {
        sqlite3_column_int64(handle, column)
    }

    /// Returns a column of the current row as an integer; nil if it is NULL.
    package func optionalInt(_ column: Int32) -> Int64? {
        sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : sqlite3_column_int64(handle, column)
    }

    /// Returns a column of the current row as text; empty if it is NULL.
    package func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Returns the first byte of a text column of the current row, in which the words for the states differ.
    package func firstByte(_ column: Int32) -> UInt8 {
        sqlite3_column_text(handle, column)?.pointee ?? 0
    }

    /// Returns a column of the current row as bytes; empty if it is NULL.
    package func bytes(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(sqlite3_column_bytes(handle, column))
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Returns a column of the current row as text; nil if it is NULL.
    package func optionalText(_ column: Int32) -> String? {
        sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : text(column)
    }

    /// Calls a function with the bytes of a column of the current row, which are valid during the call.
    package func withBytes<Value>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        let start = sqlite3_column_blob(handle, column)
        return try body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }
}
