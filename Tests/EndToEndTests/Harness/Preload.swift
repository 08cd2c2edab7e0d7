import Foundation
import Glibc

/// The libraries that are preloaded into managers.
enum Preload {
    /// Builds one.
    ///
    /// - Parameter name: its folder and its source file in tools/reliability/preload.
    /// - Returns: the library's path.
    /// - Throws: if the compiler fails.
    static func build(_ name: String) throws -> String {
        let source = Executables.package.appendingPathComponent("tools/reliability/preload/\(name)/\(name).c").path
        let target = Executables.directory.appendingPathComponent("\(name)-\(getpid()).so").path
        let options = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden"]
        let compiler = try ChildProcess("cc", options + ["-o", target, source, "-ldl"])
        guard try compiler.waitForEnd() == .exited(0) else { throw HarnessError(compiler.errors.text) }
        return target
    }
}
