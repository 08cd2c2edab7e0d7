import Foundation

/// What may be set from outside, by environment variables.
enum TestSettings {
    /// How long a test waits for what must come before it fails; nothing succeeds by waiting.
    static let patience = Duration.seconds(number("BEANROW_TEST_PATIENCE") ?? 60)

    /// The command of another server to run the protocol tests against, with `{port}` for its port, such as
    /// `beanstalkd -l 127.0.0.1 -p {port}`: that is how the tests themselves are tested.
    static let otherServer = value("BEANROW_TEST_SERVER").map { $0.split(separator: " ").map(String.init) }

    /// Whether the tests run against Beanrow itself.
    static let isBeanrow = otherServer == nil

    /// A PostgreSQL server, as a URI, that the managers under test are to use in place of SQLite files: each test gets a
    /// database of its own there.
    static let server = isBeanrow ? value("BEANROW_TEST_SERVER_DATABASE") : nil

    /// Whether the managers under test use SQLite.
    static let isSQLite = isBeanrow && server == nil

    /// How many tasks go through the tests of exactly-once pickup.
    static let tasks = number("BEANROW_TEST_TASKS") ?? 100_000

    /// How many tasks go through while managers are killed.
    static let chaosTasks = number("BEANROW_TEST_CHAOS_TASKS") ?? 30_000

    /// How often a manager is killed meanwhile, at least.
    static let chaosKills = number("BEANROW_TEST_CHAOS_KILLS") ?? 15

    /// Whether the directories of the tests stay for a look afterwards.
    static let keepsFiles = value("BEANROW_TEST_KEEP") != nil

    /// Where pip installed the clients from PyPI: the interpreter to run them with.
    static let clientPython = value("BEANROW_TEST_PYTHON")

    /// Whether the programs under test are built with a sanitizer, which takes several times the memory and the time.
    static let isSanitized = value("BEANROW_TEST_SANITIZED") != nil

    /// Whether the tests run as root, who may do what others may not.
    static let isRoot = geteuid() == 0

    private static func value(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func number(_ name: String) -> Int? {
        value(name).flatMap(Int.init)
    }
}

/// What went wrong in a test's own works.
struct HarnessError: Error, CustomStringConvertible {
    /// What it was.
    var description: String

    /// Makes an error.
    init(_ description: String) {
        self.description = description
    }
}
