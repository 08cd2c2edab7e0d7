import CommandLineSupport
import Foundation

/// Runs some work that writes to a file, and returns all it wrote.
func written(_ work: (OutputFile) async throws -> Void) async throws -> String {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    guard FileManager.default.createFile(atPath: url.path, contents: nil) else { throw CocoaError(.fileWriteUnknown) }
    defer { try? FileManager.default.removeItem(at: url) }
    let file = try FileHandle(forWritingTo: url)
    try await work(OutputFile(descriptor: file.fileDescriptor, label: "test output"))
    try file.close()
    return try String(contentsOf: url, encoding: .utf8)
}

/// Runs some work with a pipe whose reader has gone.
func withClosedReader(_ work: (OutputFile) async throws -> Void) async throws {
    let pipe = Pipe()
    try pipe.fileHandleForReading.close()
    try await work(OutputFile(descriptor: pipe.fileHandleForWriting.fileDescriptor, label: "test output"))
    try pipe.fileHandleForWriting.close()
}
