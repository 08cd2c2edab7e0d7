internal import BeanrowClient
internal import ClientCommandSupport

/// Takes tasks for one who works on them, within what the ``TakingPlan`` permits.
///
/// It asks for as many as there were the last time, and more when all came, so that an idle queue costs few requests
/// and a full one a request for many tasks.
struct Taker: Sendable {
    private let client: BeanrowClient
    private let tubes: Set<TubeName>
    private let plan: TakingPlan
    private let now: @Sendable () -> Duration
    private var window = 1

    /// Begins by asking for one task.
    ///
    /// - Parameters:
    ///   - client: where the tasks come from.
    ///   - tubes: which tubes.
    ///   - plan: how many.
    ///   - now: the time since some moment.
    init(client: BeanrowClient, tubes: Set<TubeName>, plan: TakingPlan, now: @escaping @Sendable () -> Duration) {
        self.client = client
        self.tubes = tubes
        self.plan = plan
        self.now = now
    }

    /// Takes what is pending, without waiting.
    ///
    /// - Parameter limit: the most tasks that are of use.
    /// - Returns: the tasks; none where nothing is pending; nothing where it is over.
    /// - Throws: ``ClientError``
    mutating func take(upTo limit: Int) async throws(ClientError) -> [Claim]? {
        guard let permit = await plan.permit(upTo: min(window, limit)) else { return nil }
        do throws(ClientError) {
            let claims = try await client.reserve(upTo: permit.count, from: tubes)
            await plan.took(claims.count, with: permit)
            window = claims.count == permit.count ? min(2 * window, limit) : max(1, claims.count)
            return claims
        } catch {
            await plan.took(0, with: permit)
            throw error
        }
    }

    /// Waits for a task, after ``take(upTo:)`` found none and all that was taken before is finished.
    ///
    /// - Returns: one task; none where it is time to look again; nothing where it is over.
    /// - Throws: ``ClientError``
    func waitForTask() async throws(ClientError) -> [Claim]? {
        guard let time = await plan.waitingTime(at: now()),
            let permit = await plan.permit(upTo: 1, toWait: true)
        else { return nil }
        do throws(ClientError) {
            let claim = try await reserve(within: time)
            await plan.took(claim == nil ? 0 : 1, with: permit)
            return claim.map { [$0] } ?? []
        } catch {
            await plan.took(0, with: permit)
            throw error
        }
    }

    // A task that came just when the word to stop did is taken all the same.
    private func reserve(within time: Duration) async throws(ClientError) -> Claim? {
        let (client, tubes, stop) = (client, tubes, plan.stop)
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
            for await ended in group {
                group.cancelAll()
                result = result ?? ended
            }
            return result
        }
        if stop.isSet, case .failure(let error) = result, error.code == .cancelled { return nil }
        return try result?.get() ?? nil
    }
}
