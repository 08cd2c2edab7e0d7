import Foundation

/// The settings from environment variables.
enum TestSettings {
    /// How long a test waits for an event before it fails.
    static let patience = Duration.seconds(number("BEANROW_TEST_PATIENCE") ?? 60)

    /// The command of another server to run the protocol tests against, with `{port}` for its port, such as
    /// `beanstalkd -l 127.0.0.1 -p {port}`: that is how the tests themselves are tested.
    static let otherServer = value("BEANROW_TEST_SERVER").map { $0.split(separator: " ").map(String.init) }

    /// Whether the tests run against Beanrow itself.
    static let isBeanrow = otherServer == nil

    /// The URI of a PostgreSQL server that the managers under test use instead of SQLite files.
    ///
    /// Each test gets its own database there.
    static let server = isBeanrow ? value("BEANROW_TEST_SERVER_DATABASE") : nil

    /// Whether the managers under test use SQLite.
    static let isSQLite = isBeanrow && server == nil

    /// The number of tasks in the tests of exactly-once pickup.
    static let tasks = number("BEANROW_TEST_TASKS") ?? 100_000

    /// The number of tasks in the test that kills managers.
    static let chaosTasks = number("BEANROW_TEST_CHAOS_TASKS") ?? 30_000

    /// The smallest number of kills in this test.
    static let chaosKills = number("BEANROW_TEST_CHAOS_KILLS") ?? 15

    /// Whether the directories of the tests are kept.
    static let keepsFiles = value("BEANROW_TEST_KEEP") != nil

    /// The Python interpreter with the clients from PyPI.
    static let clientPython = value("BEANROW_TEST_PYTHON")

    /// Whether the programs under test are built with a sanitizer, which needs several times the memory and the time.
    static let isSanitized = value("BEANROW_TEST_SANITIZED") != nil

    /// Whether the tests run as root, which may read and write all files.
    static let isRoot = geteuid() == 0

    private static func value(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func number(_ name: String) -> Int? {
        value(name).flatMap(Int.init)
    }
}

/// A failure of the test's own code.
struct HarnessError: Error, CustomStringConvertible {
    /// The text.
    var description: String

    /// Creates an error.
    init(_ description: String) {
        self.description = description
    }
}
