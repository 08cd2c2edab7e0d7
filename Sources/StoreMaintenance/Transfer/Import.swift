internal import Foundation
internal import Glibc
internal import TaskStore

/// Writes the lines of an export into an empty store.
///
/// No manager runs. The store is written in steps. If the import is interrupted, it is repeated with the same file and
/// continues after the last step; until it is complete, managers refuse the store.
package struct Import {
    /// What an import wrote.
    package struct Result: Sendable, Equatable {
        package var tubes: Int
        package var tasks: Int
        package var keys: Int

        /// The number of lines that an earlier run had written.
        package var continuedAfter: Int
    }

    /// The store to fill.
    package var database: DatabaseLocation

    /// Called with the number of lines after each step, on the calling thread.
    package var progress: (Int) -> Void

    /// Creates an import.
    package init(into database: DatabaseLocation, progress: @escaping (Int) -> Void = { _ in }) {
        self.database = database
        self.progress = progress
    }

    /// Reads a file.
    ///
    /// - Parameter path: the file; `-` for standard input.
    /// - Returns: what was written.
    /// - Throws: `StoreError`.
    package func run(from path: String) throws -> Result {
        guard path != "-" else { return try run(LineInput(STDIN_FILENO, path: "standard input"), "standard input") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(.unusable, "\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        return try run(LineInput(descriptor, path: path), path)
    }

    private func run(_ input: LineInput, _ path: String) throws -> Result {
        var input = input
        let decoder = JSONDecoder()
        guard let first = try input.next(), case .header(let header) = try decode(first, decoder, 1, path) else {
            throw StoreError(.unusable, "\(path): not an export of Beanrow: the first line is no header")
        }
        guard header.version == ExportHeader.currentVersion else {
            throw StoreError(
                .unusable,
                "\(path): an export of version \(header.version), which this program does not know"
            )
        }
        let target: any ImportTarget =
            switch database {
            case .file(let path): try SQLiteImport(path: path)
            case .server(let address): try PostgresImport(address: address)
            }
        let done = try target.begin(header)
        while input.lines < done {
            guard try input.next() != nil else {
                throw StoreError(.unusable, "\(path): the file is shorter than before")
            }
        }
        let end = try copyLines(from: &input, to: target, decoder, path)
        try target.finish(header, end)
        return Result(tubes: end.tubes, tasks: end.tasks, keys: end.keys, continuedAfter: max(0, done - 1))
    }

    private func copyLines(
        from input: inout LineInput,
        to target: any ImportTarget,
        _ decoder: JSONDecoder,
        _ path: String
    ) throws -> ExportEnd {
        var batch = ImportBatch()
        while let line = try input.next() {
            switch try decode(line, decoder, input.lines, path) {
            case .header:
                throw StoreError(.unusable, "\(path): line \(input.lines) is a second header")
            case .tube(let tube): batch.tubes.append(tube)
            case .task(let task): batch.add(task)
            case .key(let key): batch.keys.append(key)
            case .end(let end):
                if !batch.isEmpty { try target.write(batch, upTo: input.lines - 1) }
                return end
            }
            if batch.isFull {
                try target.write(batch, upTo: input.lines)
                batch = ImportBatch()
                progress(input.lines)
            }
        }
        throw StoreError(.unusable, "\(path): the last line is missing: the export is not complete")
    }

    private func decode(
        _ line: ArraySlice<UInt8>,
        _ decoder: JSONDecoder,
        _ number: Int,
        _ path: String
    ) throws -> ExportLine {
        do {
            return try decoder.decode(ExportLine.self, from: Data(line))
        } catch let error as DecodingError {
            throw StoreError(.unusable, "\(path): line \(number) is not a line of an export\(Self.field(of: error))")
        }
    }

    private static func field(of error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): ": it has no \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.codingPath.last.map { ": its \($0.stringValue) is not allowed" } ?? ""
        @unknown default: ""
        }
    }
}
