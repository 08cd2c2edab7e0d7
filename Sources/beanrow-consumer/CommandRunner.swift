internal import BeanrowClient
internal import ClientCommandSupport

/// Runs a command for each task, several at the same time.
struct CommandRunner: Sendable {
    /// The number of commands that run at the same time.
    let concurrency: Int

    /// The command.
    let command: TaskCommand

    /// Decides about tasks whose command failed.
    let retry: RetryPolicy

    let budget: FetchBudget
    let summary: ConsumerSummary
    let now: @Sendable () -> Duration

    /// Prints a line about a task.
    let report: @Sendable (String) async -> Void

    /// Runs until the budget is used up or the consumer is stopped.
    ///
    /// If the calling task is cancelled, the commands are ended and their tasks released.
    ///
    /// - Parameter fetcher: fetches the tasks.
    func run(_ fetcher: Fetcher) async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<concurrency {
                group.addTask { await work(fetcher) }
            }
        }
    }

    // The delay before a failed touch is repeated: several times within a time to run of one second.
    private static let touchRetry = ExponentialBackoff(first: .milliseconds(100), limit: .seconds(1))

    private func work(_ fetcher: Fetcher) async {
        var fetcher = fetcher
        do throws(ClientError) {
            while var claims = try await fetcher.fetch(upTo: 1) {
                if claims.isEmpty {
                    guard let fetched = try await fetcher.waitForTask() else { break }
                    claims = fetched
                }
                summary.recordFetched(claims)
                for claim in claims {
                    await budget.finished(1, nextAttempt: await work(on: claim))
                }
            }
        } catch {
            guard error.code != .cancelled else { return }
            summary.fail("\(error)")
            budget.stop.set()
        }
    }

    // Returns when the task will be pending again, or `nil` if it will not.
    private func work(on claim: Claim) async -> Duration? {
        do throws(ClientError) {
            let known = try await claim.statistics()
            let details = TaskCommand.Details(
                id: claim.id.description,
                tube: known["tube"] ?? "",
                attempt: known.number("reserves") ?? 1
            )
            let timeToRun = Duration.seconds(max(1, known.number("ttr") ?? 1))
            let outcome = await keepingAlive(claim, every: timeToRun / 2) {
                await command.run(body: claim.body, details: details)
            }
            let priority = UInt32(clamping: known.number("pri") ?? 0)
            return try await finish(claim, after: outcome, attempt: details.attempt, priority: priority)
        } catch {
            summary.recordLost(claim.id)
            await report("task \(claim.id): may run again: \(error)")
            return now() + FetchBudget.lostClaimDelay
        }
    }

    private func finish(
        _ claim: Claim,
        after outcome: TaskCommand.Outcome,
        attempt: Int,
        priority: UInt32
    ) async throws(ClientError) -> Duration? {
        switch outcome {
        case .succeeded:
            try await claim.delete()
            summary.recordDone(claim.id)
            return nil
        case .notStarted(let reason):
            try await claim.release(priority: priority)
            summary.recordReleased(claim.id)
            summary.fail("cannot run \(command.name): \(reason)")
            budget.stop.set()
            return nil
        case .failed where Task.isCancelled:
            try await claim.release(priority: priority)
            summary.recordReleased(claim.id)
            return nil
        case .failed(let how):
            return try await fail(claim, how, attempt: attempt, priority: priority)
        }
    }

    private func fail(
        _ claim: Claim,
        _ how: String,
        attempt: Int,
        priority: UInt32
    ) async throws(ClientError) -> Duration? {
        switch retry.decision(afterAttempt: attempt) {
        case .bury:
            try await claim.bury(priority: priority)
            summary.recordBuried(claim.id)
            await report("task \(claim.id): \(how) at attempt \(attempt), buried")
            return nil
        case .release(let delay):
            try await claim.release(priority: priority, delay: delay)
            summary.recordReleased(claim.id)
            await report("task \(claim.id): \(how) at attempt \(attempt), again in \(delay) s")
            return now() + .seconds(Int64(delay))
        }
    }

    // Restarts the time to run while the work continues, until the claim is lost. After any other failure, such as a
    // short outage of the database or of all managers, the claim may still exist.
    private func keepingAlive<Value: Sendable>(
        _ claim: Claim,
        every interval: Duration,
        during work: () async -> Value
    ) async -> Value {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var pause = interval
                var failures = 0
                while (try? await Task.sleep(for: pause)) != nil {
                    do throws(ClientError) {
                        try await claim.touch()
                        (pause, failures) = (interval, 0)
                    } catch {
                        guard error.code != .claimLost else { return }
                        pause = min(interval, Self.touchRetry.longestDelay(before: failures))
                        failures += 1
                    }
                }
            }
            let value = await work()
            group.cancelAll()
            return value
        }
    }
}
