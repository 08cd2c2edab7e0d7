internal import Access
internal import ArgumentParser
internal import TaskStore
internal import Transport

/// The exit statuses of `beanrow-manager`, named as in sysexits.h.
///
/// Service managers need them: they may restart a manager after 1 and 75, and must not after 64 and 78
/// (`RestartPreventExitStatus=64 78`). docs/reliability.md has a table.
enum ExitStatus {
    /// Any other failure: the manager cannot listen, or it cannot trust its disk any more.
    static let failure = ExitCode.failure

    /// `EX_USAGE`: the command line is wrong.
    static let usage = ExitCode(64)

    /// `EX_TEMPFAIL`: another process has to end first.
    static let tryLater = ExitCode(75)

    /// `EX_CONFIG`: a person has to act, since acknowledged tasks are gone, or a certificate, a key or the tokens file
    /// cannot be used.
    static let needsDecision = ExitCode(78)

    /// Returns the exit status for an error that ended the manager.
    static func of(_ error: any Error) -> ExitCode {
        if error is AccessError || error is TransportError { return needsDecision }
        guard let error = error as? StoreError else { return failure }
        return switch error.code {
        case .inUse: tryLater
        case .acknowledgedTasksGone: needsDecision
        case .busy, .full, .failed, .refused, .unknown, .lost, .unusable: failure
        }
    }
}
