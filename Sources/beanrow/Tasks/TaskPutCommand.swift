internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport
internal import Foundation
internal import JSONText
internal import TaskStore

/// Carries out `beanrow task put`.
struct TaskPutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Put one task, and print its id.",
        discussion: """
            beanrow-producer puts many.

            EXAMPLES
              beanrow task put --tube mail 'to: ada@example.org'
              beanrow task put --tube mail --delay 1h --unique invoice-7 - < mail.txt
            """
    )

    @OptionGroup var managers: ManagerOptions

    @Option(help: "The tube.")
    var tube = TubeName.default

    @Option(help: "The priority, from 0 (most urgent) to 4294967295.")
    var priority = BeanrowClient.defaultPriority

    @Option(help: ArgumentHelp("The time before a consumer can get it, such as 90s, 15m or 2h.", valueName: "time"))
    var delay = TimeSpan(seconds: 0)

    @Option(help: ArgumentHelp("The time to run: how long a consumer may hold it, 1s or longer.", valueName: "time"))
    var ttr = TimeSpan(seconds: Double(BeanrowClient.defaultTimeToRun))

    @Option(help: ArgumentHelp("A key: the task is put only if the tube has had none with it.", valueName: "key"))
    var unique: String?

    @OptionGroup var output: OutputOptions

    @Argument(help: "The body, or - for standard input.")
    var body: String

    func validate() throws {
        guard ttr.wholeSeconds >= 1 else { throw ValidationError("--ttr must be 1s or longer") }
        if let unique, UniqueKey(unique) == nil { throw ValidationError("--unique: no key can be like this") }
    }

    func run() async throws {
        try await managers.withClient { client in
            let bytes =
                body == "-"
                ? try await Reporting.onOwnThread { Array(try FileHandle.standardInput.readToEnd() ?? Data()) }
                : Array(body.utf8)
            let id = try await client.put(
                bytes,
                in: tube,
                priority: priority,
                delay: delay.wholeSeconds,
                timeToRun: ttr.wholeSeconds,
                uniqueKey: unique.flatMap { UniqueKey($0) }
            )
            try await output.printer.print(.object(("version", .integer(1)), ("id", .integer(id.rawValue))), ["\(id)"])
        }
    }
}
