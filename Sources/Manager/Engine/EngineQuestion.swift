internal import NIOCore
package import TaskStore

/// Actions that a part of the process other than a client's connection asks for.
struct EngineQuestion {
    /// The actions, which run as one transaction.
    let actions: [Action]

    /// Receives the answer.
    let promise: EventLoopPromise<EngineAnswer>
}

/// The answer to an ``EngineQuestion``.
package struct EngineAnswer: Sendable {
    /// One outcome per action, in the same order; durable, if they have to be.
    package var outcomes: [Outcome]

    /// The figures of the process at that time.
    package var process: ProcessStatistics
}
