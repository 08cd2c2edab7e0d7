import TaskStore
import Testing

@Suite struct ManagerAddressTests {
    @Test(arguments: [
        ("127.0.0.1:11300", "127.0.0.1", 11_300),
        ("queue.example.org:1", "queue.example.org", 1),
        ("localhost", "localhost", 11_300),
        ("[::1]:65535", "::1", 65_535),
        ("[fe80::1%eth0]", "fe80::1%eth0", 11_300),
        ("127.0.0.1:0", "127.0.0.1", 0),
    ])
    func `an address is read`(_ text: String, host: String, port: Int) {
        #expect(ManagerAddress(text) == ManagerAddress(host: host, port: port))
    }

    @Test(arguments: [
        "", ":11300", "host:", "host:65536", "host:-1", "host:+1", "host:1x", "host:٣", "host:000001", "::1",
        "::1:11300",
        "[::1", "[]:1", "[host]:1", "[::1]11300", "a host:1", "host:1:2", "host]:1",
    ])
    func `text that is no address is refused`(_ text: String) {
        #expect(ManagerAddress(text) == nil)
    }

    @Test func `an address with TLS and one of a unix socket are read`() throws {
        #expect(ManagerAddress("beanrow+tls://host:5") == .tls(NetworkAddress(host: "host", port: 5)))
        #expect(ManagerAddress("beanrow+tls://[::1]") == .tls(NetworkAddress(host: "::1")))
        #expect(ManagerAddress("unix:/run/m1.sock") == .unix(try SocketPath("unix:/run/m1.sock")))
        for text in ["beanrow+tls://", "tls://host", "beanrow+tls://host:x", "unix:", "unix:m1.sock", "unix:/a/"] {
            #expect(ManagerAddress(text) == nil, "\(text)")
        }
        #expect(ManagerAddress("host:0")?.isComplete == false)
        #expect(ManagerAddress("beanrow+tls://host:0")?.isComplete == false)
    }

    @Test(arguments: ["127.0.0.1:11300", "[::1]:1", "beanrow+tls://[::1]:1", "unix:/run/m1.sock"])
    func `an address is written as it is read`(_ text: String) {
        #expect(ManagerAddress(text)?.description == text)
    }

    @Test func `lists are read`() {
        let expected = [ManagerAddress(host: "a", port: 1), ManagerAddress(host: "::1", port: 2)]
        #expect(ManagerAddress.list("a:1,[::1]:2,a:1") == expected)
        #expect(ManagerAddress.list("a:1,") == nil)
        #expect(ManagerAddress.list("") == nil)
    }
}
