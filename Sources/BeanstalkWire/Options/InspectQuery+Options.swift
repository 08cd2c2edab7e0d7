import TaskStore

/// The arguments of `inspect`.
extension InspectQuery {
    /// Makes a query; `nil` if the word or an option is not known, or a value is not allowed.
    ///
    /// - Parameters:
    ///   - what: the word behind `inspect`.
    ///   - options: all options of the line.
    init?(_ what: String, _ options: CommandOptions) {
        var options = options
        guard let query = Self.make(what, &options), options.isEmpty else { return nil }
        self = query
    }

    private static func make(_ what: String, _ options: inout CommandOptions) -> InspectQuery? {
        switch what {
        case "managers": return .managers
        case "store": return .store
        case "tubes":
            var (state, after): (TaskState?, TubeName?) = (nil, nil)
            guard options.take("state", into: &state, TaskState.init(word:)), options.take("after", into: &after, tube),
                let limit = limit(&options)
            else { return nil }
            return .tubes(having: state, after: after, limit: limit)
        case "tube":
            var name: TubeName?
            guard options.take("name", into: &name, tube), let name else { return nil }
            return .tube(name)
        case "tasks": return tasks(&options)
        case "task":
            var (id, body): (Int64?, UInt8) = (nil, 0)
            guard options.take("id", into: &id, CommandOptions.number), let id,
                options.take("body", into: &body, CommandOptions.number), body <= 1
            else { return nil }
            return .task(TaskID(rawValue: id), withBody: body == 1)
        case "claims":
            guard let (tube, manager, after, limit) = holders(&options) else { return nil }
            return .claims(tube: tube, manager: manager, after: TaskID(rawValue: after), limit: limit)
        case "sessions":
            guard let (tube, manager, after, limit) = holders(&options) else { return nil }
            return .sessions(tube: tube, manager: manager, after: after, limit: limit)
        default: return nil
        }
    }

    private static func tasks(_ options: inout CommandOptions) -> InspectQuery? {
        var filter = TaskFilter()
        var after: Int64 = 0
        guard options.take("tube", into: &filter.tube, tube),
            options.take("state", into: &filter.state, TaskState.init(word:)),
            options.take("older-than", into: &filter.olderThan, CommandOptions.number),
            options.take("body-like", into: &filter.bodyLike, { $0.isEmpty ? nil : $0 }),
            options.take("after", into: &after, CommandOptions.number),
            let limit = limit(&options)
        else { return nil }
        return .tasks(filter, after: TaskID(rawValue: after), limit: limit)
    }

    /// Takes the options of `claims` and `sessions`.
    private static func holders(
        _ options: inout CommandOptions
    ) -> (tube: TubeName?, manager: String?, after: Int64, limit: Int)? {
        var (name, manager, after): (TubeName?, String?, Int64) = (nil, nil, 0)
        guard options.take("tube", into: &name, tube), options.take("manager", into: &manager, CommandOptions.text),
            options.take("after", into: &after, CommandOptions.number), let limit = limit(&options)
        else { return nil }
        return (name, manager, after, limit)
    }

    private static func limit(_ options: inout CommandOptions) -> Int? {
        var limit = usualLimit
        guard options.take("limit", into: &limit, CommandOptions.number), (1...largestLimit).contains(limit) else {
            return nil
        }
        return limit
    }

    private static func tube(_ bytes: [UInt8]) -> TubeName? { TubeName(bytes) }

    /// The word behind `inspect` and the options, as the command has them.
    var arguments: [String] {
        switch self {
        case .managers: return ["managers"]
        case .store: return ["store"]
        case .tubes(let state, let after, let limit):
            return ["tubes"] + Self.options([("state", state?.rawValue), ("after", after?.text)]) + Self.option(limit)
        case .tube(let name): return ["tube"] + Self.options([("name", name.text)])
        case .tasks(let filter, let after, let limit):
            return ["tasks"]
                + Self.options([
                    ("tube", filter.tube?.text), ("state", filter.state?.rawValue),
                    ("older-than", filter.olderThan.map(String.init)),
                ])
                + (filter.bodyLike.isEmpty ? [] : ["body-like=" + PercentEncoding.encode(filter.bodyLike)])
                + Self.option(after: after.rawValue) + Self.option(limit)
        case .task(let id, let withBody):
            return ["task", "id=\(max(0, id.rawValue))"] + (withBody ? ["body=1"] : [])
        case .claims(let tube, let manager, let after, let limit):
            return ["claims"] + Self.options([("tube", tube?.text), ("manager", manager)])
                + Self.option(after: after.rawValue) + Self.option(limit)
        case .sessions(let tube, let manager, let after, let limit):
            return ["sessions"] + Self.options([("tube", tube?.text), ("manager", manager)])
                + Self.option(after: after) + Self.option(limit)
        }
    }

    private static func options(_ options: [(name: String, value: String?)]) -> [String] {
        options.compactMap { name, value in value.map { "\(name)=\(PercentEncoding.encode($0.utf8))" } }
    }

    private static func option(_ limit: Int) -> [String] { limit == usualLimit ? [] : ["limit=\(limit)"] }

    private static func option(after: Int64) -> [String] { after > 0 ? ["after=\(after)"] : [] }
}

extension TaskState {
    /// Reads the word of the database or of the wire.
    init?(word: [UInt8]) {
        let text = String(decoding: word, as: UTF8.self)
        guard let state = Self.allCases.first(where: { $0.rawValue == text || $0.wireName == text }) else { return nil }
        self = state
    }
}
