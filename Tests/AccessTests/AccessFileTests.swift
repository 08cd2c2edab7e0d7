import Access
import Glibc
import Testing

/// The checks of a tokens file.
@Suite final class AccessFileTests {
    private let directory: String
    private var path: String { "\(directory)/tokens" }

    init() throws {
        var template = Array("/tmp/beanrow-access-XXXXXX".utf8CString)
        directory = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit {
        unlink("\(directory)/tokens")
        unlink("\(directory)/link")
        rmdir("\(directory)/tokens")
        rmdir(directory)
    }

    private func write(_ text: String, mode: mode_t = 0o600) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        #expect(file >= 0)
        #expect(Glibc.write(file, text, text.utf8.count) == text.utf8.count)
        #expect(fchmod(file, mode) == 0)
        close(file)
    }

    private func refusal() throws -> String {
        let path = path
        let error = try #require(throws: AccessError.self) { try AccessFile(path: path).read() }
        #expect(error.path == path)
        return "\(error)"
    }

    @Test func `a good file is read, also through a link`() throws {
        try write("a uid:1 put *\n", mode: 0o644)
        #expect(try AccessFile(path: path).read().count == 1)
        #expect(symlink(path, "\(directory)/link") == 0)
        let list = try AccessFile(path: "\(directory)/link").read()
        #expect(list.digest.count == 64)
    }

    @Test func `a missing file is refused`() throws {
        #expect(try refusal().contains("No such file"))
    }

    @Test(arguments: [mode_t(0o620), 0o602, 0o666])
    func `a file that others can write to is refused`(mode: mode_t) throws {
        try write("a uid:1 put *\n", mode: mode)
        #expect(try refusal().contains("other users can write"))
    }

    @Test func `a file of another user is refused`() throws {
        try write("a uid:1 put *\n")
        // Only root can give a file away.
        guard chown(path, 12345, 12345) == 0 else { return }
        #expect(try refusal().contains("owned by"))
    }

    @Test func `a directory and a pipe are refused without waiting`() throws {
        #expect(mkdir(path, 0o700) == 0)
        #expect(try refusal().contains("not a regular file"))
        rmdir(path)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(try refusal().contains("not a regular file"))
    }

    @Test func `an empty, a huge and a wrong file are refused with the path and the line`() throws {
        try write("")
        #expect(try refusal().contains("gives no rights"))
        try write("# \(String(repeating: "x", count: AccessFile.largest))\n")
        #expect(try refusal().contains("more than"))
        try write("a uid:1 put *\nb\n")
        #expect(try refusal().hasPrefix("\(path): line 2: it has 1 fields instead of four: NAME, "))
    }
}
