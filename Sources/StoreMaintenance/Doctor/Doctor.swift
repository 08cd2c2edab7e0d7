internal import TaskStore

/// Examines a database, also while managers use it.
package struct Doctor {
    /// The database.
    package var database: DatabaseLocation

    /// Creates a doctor.
    package init(of database: DatabaseLocation) {
        self.database = database
    }

    /// Runs all checks.
    ///
    /// It changes nothing. In a file it reads every body, which takes as long as reading the whole file.
    ///
    /// - Returns: one finding or more per check.
    /// - Throws: `StoreError` if the database cannot be opened at all.
    package func examine() throws -> [Finding] {
        switch database {
        case .file(let path): try FileDoctor(path: path).examine()
        case .server(let address): try ServerDoctor(address: address).examine()
        }
    }

    /// Sets the counts of the tubes to the numbers of their tasks, and changes nothing else.
    ///
    /// - Returns: the tubes whose counts were wrong.
    /// - Throws: `StoreError`, also if a manager lives: managers keep counts in memory.
    package func repairCounts() throws -> [String] {
        switch database {
        case .file(let path): try FileDoctor(path: path).repairCounts()
        case .server(let address): try ServerDoctor(address: address).repairCounts()
        }
    }
}
