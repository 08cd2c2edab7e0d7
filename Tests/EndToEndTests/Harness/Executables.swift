import Foundation

/// Where the programs under test are: beside the test bundle, built by the same build.
enum Executables {
    static let manager = path("beanrow-manager")
    static let producer = path("beanrow-producer")
    static let consumer = path("beanrow-consumer")

    /// The directory that the build puts its products in.
    static let directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    /// The package's top directory.
    static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func path(_ name: String) -> String {
        directory.appendingPathComponent(name).path
    }
}
