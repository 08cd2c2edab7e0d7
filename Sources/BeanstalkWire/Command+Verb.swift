import TaskStore

/// The commands of verbs with at most one argument. The parser makes them from the verb's row in the table.
extension Command {
    /// Makes the command of a verb without arguments; `nil` if the verb needs some.
    init?(_ verb: Verb) {
        switch verb {
        case .reserve: self = .reserve
        case .peekReady: self = .peekNext(.pending)
        case .peekDelayed: self = .peekNext(.delayed)
        case .peekBuried: self = .peekNext(.buried)
        case .stats: self = .stats
        case .listTubes: self = .listTubes
        case .listTubeUsed: self = .listTubeUsed
        case .listTubesWatched: self = .listTubesWatched
        case .quit: self = .quit
        default: return nil
        }
    }

    /// Makes the command of a verb that names a task; `nil` if the verb needs other arguments.
    init?(_ verb: Verb, _ task: TaskID) {
        switch verb {
        case .delete: self = .delete(task)
        case .touch: self = .touch(task)
        case .reserveJob: self = .reserveJob(task)
        case .peek: self = .peek(task)
        case .kickJob: self = .kickJob(task)
        case .statsJob: self = .statsJob(task)
        default: return nil
        }
    }

    /// Makes the command of a verb that names a tube; `nil` if the verb needs other arguments.
    init?(_ verb: Verb, _ tube: TubeName) {
        switch verb {
        case .use: self = .use(tube)
        case .watch: self = .watch(tube)
        case .ignore: self = .ignore(tube)
        case .statsTube: self = .statsTube(tube)
        default: return nil
        }
    }
}
