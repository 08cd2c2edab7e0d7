internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport
internal import Foundation
internal import JSONText
internal import TaskStore

/// Carries out `beanrow task show`.
struct TaskShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one task.",
        discussion: """
            With --body and without a terminal, the bytes of the body are the only output, so that it can be saved. On a \
            terminal, control characters in it are made visible.

            EXAMPLES
              beanrow task show 17
              beanrow task show 17 --body > body.bin
            """
    )

    @OptionGroup var managers: ManagerOptions

    @Flag(help: "Print the body.")
    var body = false

    @OptionGroup var output: OutputOptions

    @Argument(help: ArgumentHelp("The id of the task.", valueName: "id"))
    var id: UInt64

    func validate() throws {
        guard id >= 1, id <= UInt64(Int64.max) else { throw ValidationError("\(id) cannot be the id of a task") }
    }

    func run() async throws {
        try await managers.withClient { client in
            let task = TaskID(rawValue: Int64(id))
            let bytes = body ? try await client.peek(task)?.body : nil
            guard let statistics = try await client.statistics(of: task), !body || bytes != nil else {
                throw Failure("there is no task \(id)")
            }
            let printer = output.printer
            if let bytes, case .table = printer.format {
                guard Terminal.isOutput else { return try await Printer.write(bytes) }
                return try await Printer.write(Self.lines(bytes).map { $0 + "\n" }.joined())
            }
            let fields = Self.fields(statistics)
            var members = [JSON.Member("version", .integer(1))] + fields.map { JSON.Member($0.name, $0.cell.json) }
            if let bytes { members.append(Self.member(bytes)) }
            let width = fields.map(\.name.count).max() ?? 0
            try await printer.print(
                .object(members),
                fields.map { $0.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.cell.shown }
            )
        }
    }

    /// Returns the lines of a body for a terminal.
    private static func lines(_ body: [UInt8]) -> [String] {
        body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Terminal.visible($0) }
    }

    private static func member(_ body: [UInt8]) -> JSON.Member {
        if let text = String(validating: body, as: UTF8.self) { return JSON.Member("body", .string(text)) }
        return JSON.Member("body_base64", .string(Data(body).base64EncodedString()))
    }

    /// Returns the protocol's statistics under Beanrow's names.
    private static func fields(_ statistics: Statistics) -> [(name: String, cell: Cell)] {
        func number(_ name: String) -> Cell { .optional(statistics.number(name)) }
        let states = Dictionary(uniqueKeysWithValues: TaskState.allCases.map { ($0.wireName, $0.rawValue) })
        return [
            ("id", number("id")),
            ("tube", .optional(statistics["tube"])),
            ("state", .optional(statistics["state"].map { states[$0] ?? $0 })),
            ("priority", number("pri")),
            ("age_seconds", number("age")),
            ("delay_seconds", number("delay")),
            ("ttr_seconds", number("ttr")),
            ("time_left_seconds", number("time-left")),
            ("reserves", number("reserves")),
            ("timeouts", number("timeouts")),
            ("releases", number("releases")),
            ("buries", number("buries")),
            ("kicks", number("kicks")),
        ]
    }
}
