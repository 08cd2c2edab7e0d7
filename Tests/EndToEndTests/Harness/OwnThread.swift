import Dispatch
import Testing

/// Runs each test of a suite on its own thread, so that it may block on sockets and processes without blocking the
/// shared concurrency pool.
///
/// It limits the number of tests that run at the same time.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    /// The share of the machine that a test needs; ``Turnstile/capacity`` is the whole machine.
    var weight: Int

    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        let weight = weight
        await Turnstile.shared.enter(weight)
        let result = await Result {
            try await withTaskExecutorPreference(ThreadExecutor(name: test.name)) {
                try await function()
            }
        }
        await Turnstile.shared.leave(weight)
        try result.get()
    }
}

extension Trait where Self == OwnThread {
    /// A test that mostly waits for its managers.
    static var onOwnThread: OwnThread { OwnThread(weight: 1) }

    /// A test that keeps both cores busy: no other test runs beside it.
    static var alone: OwnThread { OwnThread(weight: Turnstile.capacity) }
}

extension Result where Failure == any Error, Success: Sendable {
    /// The result of an asynchronous function.
    fileprivate init(_ body: @Sendable () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}

/// Runs the jobs of one task on one dispatch queue.
///
/// A queue that blocks has its own thread.
private final class ThreadExecutor: TaskExecutor {
    private let queue: DispatchQueue

    init(name: String) {
        self.queue = DispatchQueue(label: name)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async {
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}

/// Starts tests in the order in which they arrive, while the sum of their weights is within the capacity.
private actor Turnstile {
    static let capacity = 6

    static let shared = Turnstile()

    private var free = capacity
    private var waiting: [(weight: Int, continuation: CheckedContinuation<Void, Never>)] = []

    func enter(_ weight: Int) async {
        if waiting.isEmpty, weight <= free {
            free -= weight
            return
        }
        await withCheckedContinuation { waiting.append((weight, $0)) }
    }

    func leave(_ weight: Int) {
        free += weight
        while let next = waiting.first, next.weight <= free {
            free -= next.weight
            waiting.removeFirst()
            next.continuation.resume()
        }
    }
}
