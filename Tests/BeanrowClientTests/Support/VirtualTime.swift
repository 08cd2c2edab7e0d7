import BeanrowClient
import Synchronization

/// A clock on which each sleep returns at once, and moves the time forward by its duration.
final class VirtualTime: Sendable {
    private let state = Mutex((now: Duration.zero, sleeps: [Duration]()))

    /// The duration of each sleep.
    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    var clock: ClientClock {
        ClientClock(
            now: { self.state.withLock { $0.now } },
            sleep: { duration in
                try Task.checkCancellation()
                self.state.withLock { state in
                    state.sleeps.append(duration)
                    state.now += duration
                }
                await Task.yield()
            }
        )
    }

    /// Moves the time forward.
    func advance(by duration: Duration) {
        state.withLock { $0.now += duration }
    }
}

extension BeanrowClient.Options {
    /// Returns options without randomness: the first manager is the first of the list, and delays have no random part.
    static func testing(_ time: VirtualTime = VirtualTime(), selection: ManagerSelection = .sticky)
        -> BeanrowClient.Options
    {
        var options = BeanrowClient.Options()
        options.selection = selection
        options.quitTimeout = .seconds(60)
        options.clock = time.clock
        options.randomNumber = { _ in 0 }
        return options
    }
}

/// Runs a test with a client and closes it afterwards.
@discardableResult
func withClient<Value>(
    _ managers: [ManagerAddress],
    _ options: BeanrowClient.Options = .testing(),
    _ body: (BeanrowClient) async throws -> Value
) async throws -> Value {
    let client = BeanrowClient(managers: managers, options: options)
    do {
        let value = try await body(client)
        await client.close()
        return value
    } catch {
        await client.close()
        throw error
    }
}

/// Returns the code of the client's error that some work throws, or `nil` if it throws none.
func errorCode<Value>(_ work: () async throws -> Value) async -> ClientError.Code? {
    do {
        _ = try await work()
        return nil
    } catch {
        return (error as? ClientError)?.code
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
