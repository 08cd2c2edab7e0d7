internal import CommandLineSupport

extension ManagerCommand {
    /// The options that may come from environment variables: all of them.
    static let environment = EnvironmentOptions(
        [
            "database", "database-timeout", "lease", "lanes", "name", "max-task-size", "unique-retention",
            "file-mode", "max-connections", "max-pipelined", "max-pipelined-bytes", "max-unread", "max-memory",
            "max-watched", "command-timeout", "max-log-size", "log-level", "log-format",
            "tls-certificate", "tls-key", "tls-client-ca", "tls-client", "socket-mode", "socket-group", "tokens",
        ]
        .map { EnvironmentOptions.Entry($0) } + [
            EnvironmentOptions.Entry("allow-links", .flag), EnvironmentOptions.Entry("listen", .values),
            EnvironmentOptions.Entry("listen-tls", .values),
        ]
    )
}
