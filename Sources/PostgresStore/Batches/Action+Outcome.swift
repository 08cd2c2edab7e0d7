import TaskStore

extension Action {
    /// The outcome if the server has no row about the operation.
    var outcomeWithoutRows: Outcome {
        switch self {
        case .claim: .claimed([])
        case .kick: .kicked(0)
        case .countUse: .useCounted
        case .disconnect: .disconnected(0)
        case .attach: .attached([])
        case .listTubes: .tubes([])
        default: .notFound
        }
    }
}
