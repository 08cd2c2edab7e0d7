internal import BeanrowClient
internal import ClientCommandSupport
internal import CommandLineSupport

/// Prints the body of each task as a line, and deletes the task.
///
/// A body is written before its task is deleted. So no body is lost, but a body may be printed twice. The next tasks
/// are fetched while some are printed and deleted.
struct TaskPrinter: Sendable {
    /// The most tasks to claim at the same time.
    let concurrency: Int

    /// The file for the bodies.
    let output: OutputFile

    let client: BeanrowClient
    let budget: FetchBudget
    let summary: ConsumerSummary
    let now: @Sendable () -> Duration

    /// Runs until the budget is used up or the consumer is stopped.
    ///
    /// - Parameter fetcher: fetches the tasks.
    func run(_ fetcher: Fetcher) async {
        var fetcher = fetcher
        await withTaskGroup(of: Void.self) { group in
            do throws(ClientError) {
                while true {
                    if concurrency == 1 { await group.waitForAll() }
                    guard var claims = try await fetcher.fetch(upTo: max(1, concurrency / 2)) else { break }
                    await group.waitForAll()
                    if claims.isEmpty {
                        guard let fetched = try await fetcher.waitForTask() else { break }
                        claims = fetched
                    }
                    summary.recordFetched(claims)
                    group.addTask { [claims] in await finish(claims) }
                }
            } catch {
                guard error.code != .cancelled else { return }
                summary.fail("\(error)")
                budget.stop.set()
            }
        }
    }

    private func finish(_ claims: [Claim]) async {
        guard !claims.isEmpty else { return }
        // After a failed write, the tasks are left to other consumers.
        let isAnyLost = summary.failure == nil ? await printAndDelete(claims) : false
        await budget.finished(claims.count, nextAttempt: isAnyLost ? now() + FetchBudget.lostClaimDelay : nil)
    }

    // Returns whether a claim was lost, so that its task may come again.
    private func printAndDelete(_ claims: [Claim]) async -> Bool {
        var text: [UInt8] = []
        text.reserveCapacity(claims.reduce(0) { $0 + $1.body.count + 1 })
        for claim in claims {
            text += claim.body
            text.append(UInt8(ascii: "\n"))
        }
        do {
            try await output.write(text)
        } catch {
            summary.fail(error.isClosed ? "standard output was closed" : "cannot write: \(error)")
            budget.stop.set()
            return false
        }
        var isAnyLost = false
        for (claim, result) in zip(claims, await client.delete(claims)) {
            switch result {
            case .success: summary.recordDone(claim.id)
            case .failure:
                summary.recordLost(claim.id)
                isAnyLost = true
            }
        }
        return isAnyLost
    }
}
