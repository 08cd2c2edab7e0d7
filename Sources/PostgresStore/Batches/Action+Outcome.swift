import TaskStore

extension Action {
    /// The outcome if the server has no row about the operation.
    var outcomeWithoutRows: Outcome {
        switch self {
        case .claim: .claimed([])
        case .kick: .kicked(0)
        case .refer: .referred
        case .giveBack, .giveBackAll: .givenBack(0)
        case .takeUp: .tookUp([])
        case .listTubes: .tubes([])
        default: .notFound
        }
    }
}
