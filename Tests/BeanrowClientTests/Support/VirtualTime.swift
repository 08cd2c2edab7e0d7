import BeanrowClient
import Synchronization

/// A clock on which every sleep is over at once and moves the time on by its length.
final class VirtualTime: Sendable {
    private let state = Mutex((now: Duration.zero, sleeps: [Duration]()))

    /// How long was slept, each time.
    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    var timekeeper: Timekeeper {
        Timekeeper(
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

    /// Lets time pass.
    func advance(by duration: Duration) {
        state.withLock { $0.now += duration }
    }
}

extension BeanrowClient.Options {
    /// Options under which nothing is left to chance: the first manager is the first of the list, delays are full.
    static func testing(_ time: VirtualTime = VirtualTime(), pick: PickStrategy = .stay) -> BeanrowClient.Options {
        var options = BeanrowClient.Options()
        options.pick = pick
        options.longestLeave = .seconds(60)
        options.timekeeper = time.timekeeper
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

/// The code of the client's error that some work throws.
func errorCode<Value>(_ work: () async throws -> Value) async -> ClientError.Code? {
    do {
        _ = try await work()
        return nil
    } catch {
        return (error as? ClientError)?.code
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
