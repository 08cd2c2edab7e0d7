internal import Logging
internal import TaskStore

/// Logs that commands are refused for lack of room: one line at the beginning and one at the end, none per command.
extension Engine {
    /// Notes what the result of a batch tells about the room.
    func noteRoom(after result: BatchResult) {
        var (taken, refused) = (0, 0)
        for outcome in result.outcomes {
            switch outcome {
            case .inserted: taken += 1
            case .storageFull: refused += 1
            default: break
            }
        }
        if taken > 0 || result.needsDurability { refusals.carriedOut(hasPuts: taken > 0) }
        if refused > 0, let reason = result.noRoom, refusals.refused(refused, .puts(reason), at: .now) {
            logger.warning("no room: puts are refused with OUT_OF_MEMORY", metadata: ["reason": "\(reason)"])
        }
    }

    /// Notes a batch for which there was no room at all.
    func noteNoRoom(_ error: StoreError, for operations: Int) {
        guard refusals.refused(operations, .everything, at: .now) else { return }
        logger.error("no room: commands that write are refused with OUT_OF_MEMORY", metadata: ["reason": "\(error)"])
    }

    /// Logs what is not refused any more.
    func reportRoomAgain() {
        guard !refusals.isEmpty else { return }
        for ended in refusals.takeEnded(at: .now) { report(ended) }
    }

    /// Logs what was refused until now, since the manager leaves.
    func reportRefusalsAtEnd() {
        for ended in refusals.takeAll() { report(ended) }
    }

    private func report(_ ended: RefusalLog.Ended) {
        let what: String
        switch ended.cause {
        case .puts(let reason): what = "puts were refused (\(reason))"
        case .everything: what = "commands that write were refused"
        }
        let outcome = ended.isTakenSince ? "there is room again" : "the manager leaves"
        logger.notice("\(outcome): \(what)", metadata: ["refused": "\(ended.count)"])
    }
}
