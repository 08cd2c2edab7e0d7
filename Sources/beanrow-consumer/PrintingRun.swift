internal import BeanrowClient
internal import ClientCommandSupport
internal import CommandLineSupport

/// Prints each task's body as a line, and deletes the task.
///
/// A body is written out before its task is deleted: what was not printed is never lost, what was printed may come
/// again. While some tasks are printed and deleted the next ones are taken.
struct PrintingRun: Sendable {
    /// How many tasks to have in hand.
    let concurrency: Int

    /// Where the bodies go.
    let output: OutputFile

    let client: BeanrowClient
    let plan: TakingPlan
    let tally: ConsumerTally
    let now: @Sendable () -> Duration

    /// Goes on until it is over.
    ///
    /// - Parameter taker: takes the tasks.
    func run(_ taker: Taker) async {
        var taker = taker
        await withTaskGroup(of: Void.self) { group in
            do throws(ClientError) {
                while true {
                    if concurrency == 1 { await group.waitForAll() }
                    guard var claims = try await taker.take(upTo: max(1, concurrency / 2)) else { break }
                    await group.waitForAll()
                    if claims.isEmpty {
                        guard let come = try await taker.waitForTask() else { break }
                        claims = come
                    }
                    tally.took(claims)
                    group.addTask { [claims] in await finish(claims) }
                }
            } catch {
                guard error.code != .cancelled else { return }
                tally.fail("\(error)")
                plan.stop.set()
            }
        }
    }

    private func finish(_ claims: [Claim]) async {
        guard !claims.isEmpty else { return }
        // Where one write failed, later tasks are left for others.
        let isAnyLost = tally.failure == nil ? await printAndDelete(claims) : false
        await plan.finished(claims.count, nextAttempt: isAnyLost ? now() + TakingPlan.timeToComeBack : nil)
    }

    // Returns whether a task may come again.
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
            tally.fail(error.isClosed ? "standard output was closed" : "cannot write: \(error)")
            plan.stop.set()
            return false
        }
        var isAnyLost = false
        for (claim, result) in zip(claims, await client.delete(claims)) {
            switch result {
            case .success: tally.did(claim.id)
            case .failure:
                tally.lost(claim.id)
                isAnyLost = true
            }
        }
        return isAnyLost
    }
}
