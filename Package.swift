// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "beanrow",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "beanrow", targets: ["beanrow"]),
        .executable(name: "beanrow-manager", targets: ["beanrow-manager"]),
        .executable(name: "beanrow-producer", targets: ["beanrow-producer"]),
        .executable(name: "beanrow-consumer", targets: ["beanrow-consumer"]),
        .library(name: "BeanrowClient", targets: ["BeanrowClient"]),
        // For Benchmarks/instructions only; it changes without notice.
        .library(name: "_Manager", targets: ["Manager", "SQLiteStore", "TaskStore"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // Vocabulary and the store's seam: no network, no SQL.
        .target(name: "TaskStore"),

        // The beanstalk protocol, shared by server and client.
        .target(
            name: "BeanstalkWire",
            dependencies: [
                "TaskStore",
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),

        // Threads for work that blocks.
        .target(name: "SystemThread", dependencies: ["CPlatform"]),

        // What a service manager, such as systemd, is told.
        .target(name: "ServiceNotification", dependencies: ["SystemThread", "TaskStore"]),

        // Access: principals, rights, the tokens file.
        .target(
            name: "Access",
            dependencies: [
                "BeanstalkWire",
                "TaskStore",
                .product(name: "Crypto", package: "swift-crypto"),
            ]
        ),

        // The store on SQLite: the only target that knows SQL and files.
        .systemLibrary(
            name: "CSQLite",
            pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]
        ),
        .target(name: "CSQLiteShims", dependencies: ["CSQLite"]),
        .target(name: "CPlatform"),
        .target(
            name: "SQLiteStore",
            dependencies: ["CPlatform", "CSQLite", "CSQLiteShims", "SystemThread", "TaskStore"],
            resources: [.embedInCode("schema.sql")]
        ),

        // The store on PostgreSQL: the only target that knows libpq.
        .systemLibrary(
            name: "CPostgres",
            pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"]), .brew(["libpq"])]
        ),
        .target(
            name: "PostgresStore",
            dependencies: ["CPlatform", "CPostgres", "SystemThread", "TaskStore"],
            resources: [
                .embedInCode("Schema/functions-tasks.sql"), .embedInCode("Schema/functions-verbs.sql"),
                .embedInCode("Schema/functions-batch.sql"), .embedInCode("Schema/functions-fast-path.sql"),
                .embedInCode("Schema/functions-managers.sql"), .embedInCode("Schema/functions-operator.sql"),
                .embedInCode("Schema/functions-inspect.sql"), .embedInCode("Schema/migration-2.sql"),
                .embedInCode("Schema/migration-2-managers.sql"), .embedInCode("Schema/migration-3.sql"),
                .embedInCode("Schema/schema-postgres.sql"),
            ]
        ),

        // Random choices of tests, which a seed repeats.
        .target(name: "SeededRandom"),

        // What every store must do, as a suite that its tests run.
        .target(name: "StoreTesting", dependencies: ["SeededRandom", "TaskStore"]),

        // How bytes are carried: listeners, unix sockets, TLS.
        .target(
            name: "Transport",
            dependencies: [
                "CPlatform",
                "TaskStore",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ]
        ),

        // The server: connections, sessions, batches, timers.
        .target(
            name: "Manager",
            dependencies: [
                "Access",
                "BeanstalkWire",
                "CPlatform",
                "TaskStore",
                "Transport",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),

        // The client library.
        .target(
            name: "BeanrowClient",
            dependencies: [
                "BeanstalkWire",
                "TaskStore",
                "Transport",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),

        // JSON as text, without Foundation.
        .target(name: "JSONText"),

        // Backup, restore, export, import, migration and examination of a database.
        .target(
            name: "StoreMaintenance",
            dependencies: ["CPlatform", "JSONText", "PostgresStore", "SQLiteStore", "TaskStore"]
        ),

        // The commands.
        .target(
            name: "CommandLineSupport",
            dependencies: [
                "CPlatform",
                "SystemThread",
                "TaskStore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "ClientCommandSupport",
            dependencies: [
                "BeanrowClient",
                "CommandLineSupport",
                "TaskStore",
                "Transport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        .executableTarget(
            name: "beanrow-manager",
            dependencies: [
                "Access",
                "CommandLineSupport",
                "Manager",
                "PostgresStore",
                "SQLiteStore",
                "ServiceNotification",
                "TaskStore",
                "Transport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        .executableTarget(
            name: "beanrow-producer",
            dependencies: [
                "BeanrowClient",
                "ClientCommandSupport",
                "CommandLineSupport",
                "TaskStore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .executableTarget(
            name: "beanrow-consumer",
            dependencies: [
                "BeanrowClient",
                "ClientCommandSupport",
                "CommandLineSupport",
                "TaskStore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),

        .executableTarget(
            name: "beanrow",
            dependencies: [
                "BeanrowClient",
                "ClientCommandSupport",
                "CommandLineSupport",
                "JSONText",
                "StoreMaintenance",
                "TaskStore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),

        // Tests.
        .testTarget(name: "TaskStoreTests", dependencies: ["TaskStore"]),
        .testTarget(name: "ServiceNotificationTests", dependencies: ["ServiceNotification", "TaskStore"]),
        .testTarget(name: "AccessTests", dependencies: ["Access", "BeanstalkWire", "TaskStore"]),
        .testTarget(
            name: "BeanstalkWireTests",
            dependencies: [
                "BeanstalkWire",
                "SeededRandom",
                "TaskStore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOTestUtils", package: "swift-nio"),
            ]
        ),
        .testTarget(name: "TransportTests", dependencies: ["TaskStore", "Transport"]),
        .testTarget(
            name: "SQLiteStoreTests",
            dependencies: [
                "SQLiteStore", "SeededRandom", "StoreTesting", "SystemThread", "TaskStore", "CPlatform", "CSQLite",
                "CSQLiteShims",
            ],
            // Files of older versions, which a test makes.
            exclude: ["schema-1.sql", "schema-2.sql", "schema-3.sql"]
        ),
        .testTarget(
            name: "PostgresStoreTests",
            dependencies: ["PostgresStore", "SeededRandom", "StoreTesting", "TaskStore"],
            // The tables and functions of older versions, which a test makes.
            exclude: ["version-1", "version-2"]
        ),
        .testTarget(
            name: "ManagerTests",
            dependencies: [
                "Access",
                "Manager",
                "SQLiteStore",
                "SeededRandom",
                "StoreTesting",
                "BeanstalkWire",
                "TaskStore",
                "Transport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "BeanrowClientTests",
            dependencies: [
                "BeanrowClient",
                "BeanstalkWire",
                "ClientCommandSupport",
                "CommandLineSupport",
                "TaskStore",
                "beanrow-consumer",
                "beanrow-producer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "OperatorCommandTests",
            dependencies: ["JSONText", "SQLiteStore", "StoreMaintenance", "TaskStore", "beanrow"]
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "BeanrowClient",
                "SeededRandom",
                "beanrow",
                "beanrow-manager",
                "beanrow-producer",
                "beanrow-consumer",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]
        ),
    ]
)

let unchecked = ["Manager", "SQLiteStore", "beanrow-manager"]
for target in package.targets where target.type != .system {
    var settings = target.swiftSettings ?? []

    // SE-0335: existential types are spelled `any`, since they cost.
    settings.append(.enableUpcomingFeature("ExistentialAny"))

    // SE-0444: a member is seen only where its module is imported.
    settings.append(.enableUpcomingFeature("MemberImportVisibility"))

    // SE-0409: an import is internal unless it says otherwise.
    settings.append(.enableUpcomingFeature("InternalImportsByDefault"))

    // A manager's confinement to one thread and its tests show what these checks would; they cost it 12 % of its
    // instructions. Not where the client library needs it: packages with such flags cannot be depended on.
    if unchecked.contains(target.name) {
        settings.append(.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)))
    }

    target.swiftSettings = settings
}
