internal import BeanrowClient
internal import ClientCommandSupport

/// Runs a command for each task, several at a time.
struct CommandRun: Sendable {
    /// How many commands to run at a time.
    let concurrency: Int

    /// What to run.
    let command: TaskCommand

    /// What to do with tasks whose command failed.
    let retry: RetryRule

    let plan: TakingPlan
    let tally: ConsumerTally
    let now: @Sendable () -> Duration

    /// Says something about a task.
    let say: @Sendable (String) async -> Void

    /// Goes on until it is over.
    ///
    /// Where the task is cancelled, commands are ended and their tasks given back.
    ///
    /// - Parameter taker: takes the tasks.
    func run(_ taker: Taker) async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<concurrency {
                group.addTask { await work(taker) }
            }
        }
    }

    // How soon a claim is renewed again after that failed: several times within a time to run of a second.
    private static let touchRetry = GrowingDelay(first: .milliseconds(100), limit: .seconds(1))

    private func work(_ taker: Taker) async {
        var taker = taker
        do throws(ClientError) {
            while var claims = try await taker.take(upTo: 1) {
                if claims.isEmpty {
                    guard let come = try await taker.waitForTask() else { break }
                    claims = come
                }
                tally.took(claims)
                for claim in claims {
                    await plan.finished(1, nextAttempt: await work(on: claim))
                }
            }
        } catch {
            guard error.code != .cancelled else { return }
            tally.fail("\(error)")
            plan.stop.set()
        }
    }

    // Returns when the task is pending again, if it was given back or lost.
    private func work(on claim: Claim) async -> Duration? {
        do throws(ClientError) {
            let known = try await claim.statistics()
            let details = TaskCommand.Details(
                id: claim.id.description,
                tube: known["tube"] ?? "",
                attempt: known.number("reserves") ?? 1
            )
            let timeToRun = Duration.seconds(max(1, known.number("ttr") ?? 1))
            let ending = await keeping(claim, every: timeToRun / 2) {
                await command.run(body: claim.body, details: details)
            }
            let priority = UInt32(clamping: known.number("pri") ?? 0)
            return try await report(ending, of: claim, attempt: details.attempt, priority: priority)
        } catch {
            tally.lost(claim.id)
            await say("task \(claim.id): may run again: \(error)")
            return now() + TakingPlan.timeToComeBack
        }
    }

    private func report(
        _ ending: TaskCommand.Ending,
        of claim: Claim,
        attempt: Int,
        priority: UInt32
    ) async throws(ClientError) -> Duration? {
        switch ending {
        case .succeeded:
            try await claim.delete()
            tally.did(claim.id)
            return nil
        case .notStarted(let reason):
            try await claim.release(priority: priority)
            tally.released(claim.id)
            tally.fail("cannot run \(command.name): \(reason)")
            plan.stop.set()
            return nil
        case .failed where Task.isCancelled:
            try await claim.release(priority: priority)
            tally.released(claim.id)
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
        switch retry.verdict(afterAttempt: attempt) {
        case .bury:
            try await claim.bury(priority: priority)
            tally.buried(claim.id)
            await say("task \(claim.id): \(how) at attempt \(attempt), buried")
            return nil
        case .release(let delay):
            try await claim.release(priority: priority, delay: delay)
            tally.released(claim.id)
            await say("task \(claim.id): \(how) at attempt \(attempt), again in \(delay) s")
            return now() + .seconds(Int64(delay))
        }
    }

    // Asks for more time while the work goes on. Only a lost claim ends that: after any other failure, such as a short
    // outage of the database or of all managers, the claim may still be ours. It shows when the work is reported.
    private func keeping<Value: Sendable>(
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
                        pause = min(interval, Self.touchRetry.longest(before: failures))
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
