internal import Foundation

/// Finds the program `beanrow-manager`.
enum ManagerProgram {
    /// Returns its path: beside this program, otherwise in `PATH`.
    ///
    /// - Throws: ``Failure`` if there is none.
    static func find() throws -> String {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        for directory in [own] + path.split(separator: ":").map(String.init) {
            let program = "\(directory)/beanrow-manager"
            if access(program, X_OK) == 0 { return program }
        }
        throw Failure("beanrow-manager is neither in \(own) nor in PATH: install it, or build it with swift build")
    }
}
