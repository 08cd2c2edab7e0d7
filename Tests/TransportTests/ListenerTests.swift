import TaskStore
import Testing
import Transport

@Suite struct ListenerTests {
    @Test(arguments: [
        ("127.0.0.1:11300", "127.0.0.1:11300", false), ("host", "host:11300", false), ("[::1]:5", "[::1]:5", false),
        ("0.0.0.0:0,open", "0.0.0.0:0", true), ("unix:/run/m1.sock", "unix:/run/m1.sock", false),
        ("unix:/run/m1.sock,open", "unix:/run/m1.sock", true), ("unix:/a,b", "unix:/a,b", false),
    ])
    func `a plaintext listener is read`(_ text: String, description: String, isOpen: Bool) throws {
        let listener = try Listener(text)
        #expect(listener.description == description)
        #expect(listener.isOpen == isOpen)
        #expect(listener.security == .plaintext)
    }

    @Test func `a TLS listener is read`() throws {
        let listener = try Listener("[::]:11301,open", security: .tls)
        #expect(listener.description == "beanrow+tls://[::]:11301")
        #expect(listener.isOpen)
        #expect(throws: AddressError.self) { try Listener("unix:/run/m1.sock", security: .tls) }
    }

    @Test(arguments: [
        "", ",open", "host:x", "host:1,closed", "host:1,open,open", "unix:", "unix:run/m1.sock", "unix:/", "unix:/a/",
        "unix:/a\nb", "unix:/a\u{0}b", "unix:/" + String(repeating: "x", count: 107), "UNIX:/a", "tcp://host:1",
    ])
    func `text that is no listener is refused`(_ text: String) {
        #expect(throws: AddressError.self) { try Listener(text) }
    }

    @Test func `a path of 107 bytes is the longest`() throws {
        #expect(throws: Never.self) { try Listener("unix:/" + String(repeating: "x", count: 106)) }
        // Bytes count, not characters.
        #expect(throws: AddressError.self) { try Listener("unix:/" + String(repeating: "ä", count: 54)) }
    }

    @Test(arguments: [
        ("127.0.0.1:1", false), ("127.9.9.9:1", false), ("localhost", false), ("LocalHost", false), ("[::1]:1", false),
        ("unix:/a", false), ("0.0.0.0:1", true), ("[::]:1", true), ("10.0.0.1", true), ("127.example.org", true),
        ("host", true), ("128.0.0.1", true), ("[::ffff:10.0.0.1]:1", true),
    ])
    func `a listener that others can reach without encryption is exposed`(_ text: String, isExposed: Bool) throws {
        #expect(try Listener(text).isExposed == isExposed)
        guard !text.hasPrefix("unix:") else { return }
        #expect(try !Listener(text, security: .tls).isExposed)
    }
}
