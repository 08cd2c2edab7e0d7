/// The last line of an export: how many lines of each kind it has, so that a file that was cut short is noticed.
package struct ExportEnd: Equatable, Sendable, Codable {
    package var tubes = 0
    package var tasks = 0
    package var keys = 0

    /// Creates the end of an export without lines.
    package init() {}
}
