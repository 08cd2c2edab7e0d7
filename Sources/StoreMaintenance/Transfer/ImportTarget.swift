/// An empty store that an import fills, in steps that survive a kill.
protocol ImportTarget: AnyObject {
    /// Begins an import, or continues one of the same file.
    ///
    /// - Parameter header: the first line of the file.
    /// - Returns: the number of lines that are in the store already.
    /// - Throws: `StoreError` if the store is not empty, a manager uses it, or another import is not complete.
    func begin(_ header: ExportHeader) throws -> Int

    /// Writes some lines, and how far the import is now, in one transaction.
    ///
    /// - Parameters:
    ///   - batch: the lines.
    ///   - lines: the number of lines of the file that are in the store then.
    /// - Throws: `StoreError`; nothing of the batch is in the store then.
    func write(_ batch: ImportBatch, upTo lines: Int) throws

    /// Counts, compares with the last line of the file, and makes the store ready for managers.
    ///
    /// - Parameters:
    ///   - header: the first line of the file.
    ///   - end: the last line of the file.
    /// - Throws: `StoreError` if something is missing. The store stays unfinished then.
    func finish(_ header: ExportHeader, _ end: ExportEnd) throws
}
