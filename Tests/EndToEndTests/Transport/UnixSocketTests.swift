import Foundation
import Glibc
import Testing

/// Unix sockets: their files, their locks, and their permissions.
@Suite(.onOwnThread, .enabled(if: TestSettings.isBeanrow)) struct UnixSocketTests {
    @Test func `a manager listens on a socket with the mode and the group that were asked for`() throws {
        try TestBed.with(managers: 0) { bed in
            let path = try bed.socketPath()
            let group = getegid()
            let manager = try bed.startManager(options: ["--listen", "unix:\(path)", "--socket-group", "\(group)"])
            var information = stat()
            #expect(lstat(path, &information) == 0)
            #expect(information.st_mode & 0o7777 == 0o660)
            #expect(information.st_gid == group)
            let client = try BeanstalkSocket(path: path)
            #expect(try client.put("a") == 1)
            #expect(try manager.connect().peek("peek 1")?.body == "a")
            client.close()
            try manager.stop()
            #expect(lstat(path, &information) != 0)
            #expect(lstat(path + ".lock", &information) != 0)
        }
    }

    @Test func `without a mode only the manager's user may connect`() throws {
        try TestBed.with(managers: 0) { bed in
            let path = try bed.socketPath()
            try bed.startManager(options: ["--listen", "unix:\(path)"])
            var information = stat()
            #expect(lstat(path, &information) == 0)
            #expect(information.st_mode & 0o7777 == 0o600)
        }
    }

    @Test func `no TCP port is opened if only a socket is named`() throws {
        try TestBed.with(managers: 0) { bed in
            let path = try bed.socketPath()
            let manager = try bed.start(Executables.manager, ["--database", bed.database, "--listen", "unix:\(path)"])
            _ = try #require(manager.output.line(startingWith: "listening on unix:"), "\(manager.errors.text)")
            #expect(try BeanstalkSocket(path: path).put("a") == 1)
            manager.signal(SIGTERM)
            #expect(try manager.waitForEnd() == .exited(0))
            #expect(manager.output.text == "listening on unix:\(path)\n")
        }
    }

    @Test func `a socket that a killed manager has left is replaced, that of a live one is not`() throws {
        try TestBed.with(managers: 0) { bed in
            let path = try bed.socketPath()
            let first = try bed.startManager(options: ["--listen", "unix:\(path)"])
            let second = try bed.run(Executables.manager, bed.arguments(listening: path))
            #expect(second.end == .exited(1))
            #expect(second.errors.contains("another process uses it"), "\(second.errors)")
            // The refused manager has removed nothing.
            #expect(try BeanstalkSocket(path: path).put("a") == 1)
            first.kill()
            #expect(FileManager.default.fileExists(atPath: path))
            try bed.startManager(options: ["--listen", "unix:\(path)"])
            #expect(try BeanstalkSocket(path: path).put("b") == 2)
        }
    }

    @Test func `what is not a stale socket is neither replaced nor removed`() throws {
        try TestBed.with(managers: 0) { bed in
            let path = try bed.socketPath()
            try "a letter".write(toFile: path, atomically: false, encoding: .utf8)
            let refused = try bed.run(Executables.manager, bed.arguments(listening: path))
            #expect(refused.end == .exited(1))
            #expect(refused.errors.contains("not a socket"), "\(refused.errors)")
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "a letter")
            try FileManager.default.removeItem(atPath: path)

            // A program that knows nothing of the lock file listens there.
            let program = """
                import socket, sys
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(sys.argv[1])
                listener.listen()
                print("up", flush=True)
                sys.stdin.read()
                """
            let other = try bed.start("python3", ["-c", program, path], input: .pipe)
            _ = try #require(other.output.line(startingWith: "up"))
            let busy = try bed.run(Executables.manager, bed.arguments(listening: path))
            #expect(busy.end == .exited(1))
            #expect(busy.errors.contains("another process uses it"), "\(busy.errors)")
        }
    }

    @Test func `a manager does not remove a socket that was replaced`() throws {
        try TestBed.with(managers: 0) { bed in
            let path = try bed.socketPath()
            let manager = try bed.startManager(options: ["--listen", "unix:\(path)"])
            try FileManager.default.removeItem(atPath: path)
            try "mine".write(toFile: path, atomically: false, encoding: .utf8)
            try manager.stop()
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
        }
    }
}

extension TestBed {
    /// Returns a path for a socket that is short enough.
    ///
    /// It is removed with the test's directory.
    func socketPath() throws -> String {
        let path = path("s")
        guard path.utf8.count > 100 else { return path }
        // The directory of the build may be deep: a link to it is short.
        let link = "/tmp/beanrow-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: directory.path)
        removeAtEnd(link)
        return "\(link)/s"
    }

    /// The arguments of a manager that listens on a socket only.
    fileprivate func arguments(listening path: String) -> [String] {
        ["--database", database, "--listen", "unix:\(path)"]
    }
}
