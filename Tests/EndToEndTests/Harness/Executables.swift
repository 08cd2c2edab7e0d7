import Foundation

/// The paths of the programs under test, which are beside the test bundle.
enum Executables {
    static let beanrow = path("beanrow")
    static let manager = path("beanrow-manager")
    static let producer = path("beanrow-producer")
    static let consumer = path("beanrow-consumer")

    /// The directory of the build's products.
    static let directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    /// The package's top directory.
    static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func path(_ name: String) -> String {
        directory.appendingPathComponent(name).path
    }
}
