import TaskStore
import Testing

@testable import PostgresStore

/// Errors about a wrong address contain no part of a password.
struct ServerAddressTests {
    @Test(arguments: [
        "postgres://user:se@cret@host/db", "postgres://user:se/cret@host/db", "postgres://user:se?cret@host/db",
        "postgres://user:se#cret@host/db", "postgres://user:se%cret@host/db", "postgres://user:se:cret@host/d@b",
        "postgres://user:secret/db", "postgres://user:se%zzcret@host/db", "postgres://user:se%00cret@host",
        "postgres://user:[secret@host/db", "postgres://user:se cret@host/db", "postgres://user:secret@[host/db",
        "postgres://user:secret@host:secret/db", "postgres://user:secret@host:99999999/db",
        "postgres://user:secret@host/db?secret", "postgres://user:secret@host/db?secret=1",
        "postgres://user:secret@host/db?connect_timeout=secret", "postgres://user@host/db?password=se%zcret",
        "postgres://user:\"secret\"@host/db?x", "postgresql://user:secret\"@host/db?\"secret=1&=", "postgres://:secret",
        "postgres://user@host/db?sslmode=disable?password=secret",
        "postgres://user@host/db?channel_binding=x%26password=secret",
        "postgres://user@host/db?target_session_attrs=any;PASSWORD=secret",
        "postgres://user@host:5432?password=secret?x",
        "postgres://user@host/d%3Fpassword=secret",
    ])
    func `a password is not repeated`(_ address: String) throws {
        let error = #expect(throws: StoreError.self) {
            var options = PostgresStore.Options()
            options.timeout = .milliseconds(1)
            _ = try PostgresStore.open(address: address, name: "a", listeningAddress: "x", options: options)
        }
        let message = try #require(error).message
        for part in ["secret", "cret", "se@", "se/", "se?"] { #expect(!message.contains(part), "\(message)") }
    }

    @Test func `libpq's own message about another value does not repeat the password either`() {
        let error = #expect(throws: PostgresError.self) {
            _ = try PostgresConnection("postgres://user:secret@host/db?sslmode=a-secret-mode")
        }
        #expect(error?.message.contains("sslmode") == true)
        #expect(error?.message.contains("secret") == false)
    }

    @Test(arguments: [
        "postgres://user:secret@host/db",
        "postgres://user:se%40cr%2Fet@host:5432,other:5433/db?target_session_attrs=any",
        "postgresql:///db?host=/tmp&port=5432", "postgres://user@host", "postgres://user@[::1]:5432/db",
        "host=localhost dbname=x", "postgres://u:p%25@h/d?application_name=x",
    ])
    func `a correct address is accepted`(_ address: String) throws {
        try ServerAddress.check(address)
    }
}
