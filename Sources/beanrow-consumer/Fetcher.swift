internal import BeanrowClient
internal import ClientCommandSupport

/// Fetches tasks for one worker, within a ``FetchBudget``.
///
/// It asks for as many tasks as it got the last time, and for twice as many if it got all of them. So an idle queue
/// needs few requests, and a full one needs one request for many tasks.
struct Fetcher: Sendable {
    private let client: BeanrowClient
    private let tubes: Set<TubeName>
    private let budget: FetchBudget
    private let now: @Sendable () -> Duration
    private var window = 1

    /// Creates a fetcher that asks for one task first.
    ///
    /// - Parameters:
    ///   - client: fetches from the managers.
    ///   - tubes: the tubes to fetch from.
    ///   - budget: bounds the number of tasks.
    ///   - now: returns the time since a fixed moment.
    init(client: BeanrowClient, tubes: Set<TubeName>, budget: FetchBudget, now: @escaping @Sendable () -> Duration) {
        self.client = client
        self.tubes = tubes
        self.budget = budget
        self.now = now
    }

    /// Fetches pending tasks, without waiting.
    ///
    /// - Parameter limit: the most tasks to fetch.
    /// - Returns: the claims; empty if no task is pending; `nil` if the run is over.
    /// - Throws: ``ClientError``
    mutating func fetch(upTo limit: Int) async throws(ClientError) -> [Claim]? {
        guard let reservation = await budget.reserve(upTo: min(window, limit)) else { return nil }
        do throws(ClientError) {
            let claims = try await client.reserve(upTo: reservation.count, from: tubes)
            await budget.settle(claims.count, with: reservation)
            window = claims.count == reservation.count ? min(2 * window, limit) : max(1, claims.count)
            return claims
        } catch {
            await budget.settle(0, with: reservation)
            throw error
        }
    }

    /// Waits for a task.
    ///
    /// Call this after ``fetch(upTo:)`` found none and all earlier tasks are finished.
    ///
    /// - Returns: one claim; empty if it is time to call ``fetch(upTo:)`` again; `nil` if the run is over.
    /// - Throws: ``ClientError``
    func waitForTask() async throws(ClientError) -> [Claim]? {
        guard let time = await budget.waitingTime(at: now()),
            let reservation = await budget.reserve(upTo: 1, forWaiting: true)
        else { return nil }
        do throws(ClientError) {
            let claim = try await reserve(within: time)
            await budget.settle(claim == nil ? 0 : 1, with: reservation)
            return claim.map { [$0] } ?? []
        } catch {
            await budget.settle(0, with: reservation)
            throw error
        }
    }

    // A task that arrives together with the stop signal is still returned.
    private func reserve(within time: Duration) async throws(ClientError) -> Claim? {
        let (client, tubes, stop) = (client, tubes, budget.stop)
        let result = await withTaskGroup(of: Result<Claim?, ClientError>?.self) { group in
            group.addTask {
                do throws(ClientError) {
                    return .success(try await client.reserve(from: tubes, timeout: time))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                await stop.wait()
                return nil
            }
            var result: Result<Claim?, ClientError>?
            for await finished in group {
                group.cancelAll()
                result = result ?? finished
            }
            return result
        }
        if stop.isSet, case .failure(let error) = result, error.code == .cancelled { return nil }
        return try result?.get() ?? nil
    }
}
