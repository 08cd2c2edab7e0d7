internal import ArgumentParser
internal import CommandLineSupport
internal import Foundation

/// The options of commands that destroy something.
struct Confirmation: ParsableArguments {
    @Flag(help: "Only say what would be done, and do nothing.")
    var dryRun = false

    @Flag(help: "Do not ask. Needed without a terminal.")
    var yes = false

    /// Asks a person whether to do something.
    ///
    /// - Parameter question: what is going to be done: `delete 12 tasks of mail`.
    /// - Throws: ``Failure`` if the answer is not yes, or if there is no terminal to ask at.
    func ask(_ question: String) async throws {
        guard !yes else { return }
        guard Terminal.canAsk else {
            throw Failure("\(question): repeat with --yes, since there is no terminal to ask at")
        }
        await OutputFile.standardError.write("beanrow: \(Terminal.visible(question))? [y/N] ")
        let answer = try await Reporting.onOwnThread { readLine() ?? "" }
        guard ["y", "yes"].contains(answer.lowercased()) else { throw Failure("nothing was done") }
    }
}
