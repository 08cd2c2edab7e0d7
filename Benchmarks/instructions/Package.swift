// swift-tools-version: 6.2

// The program whose instructions tools/instruction-count counts. It is a package of its own, so that the package above
// has only what its users need.

import PackageDescription

let package = Package(
    name: "beanrow-instructions",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "beanrow", path: "../.."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .executableTarget(
            name: "instruction-workload",
            dependencies: [
                .product(name: "_Manager", package: "beanrow"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            path: "Sources",
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                // As in the manager, see the package above.
                .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
            ]
        )
    ]
)
