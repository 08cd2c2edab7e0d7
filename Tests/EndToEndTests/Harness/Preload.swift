import Foundation
import Glibc

/// The libraries that are preloaded into managers.
enum Preload {
    /// Builds one.
    ///
    /// - Parameter name: its folder, with its source files, in Harness/preload.
    /// - Returns: the library's path.
    /// - Throws: if the compiler fails.
    static func build(_ name: String) throws -> String {
        let folder = Executables.package.appendingPathComponent("Harness/preload/\(name)").path
        let sources = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".c") }.sorted().map { "\(folder)/\($0)" }
        let target = Executables.directory.appendingPathComponent("\(name)-\(getpid()).so").path
        let options = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden"]
        let compiler = try ChildProcess("cc", options + ["-o", target] + sources + ["-ldl", "-pthread"])
        guard try compiler.waitForEnd() == .exited(0) else { throw HarnessError(compiler.errors.text) }
        return target
    }
}
