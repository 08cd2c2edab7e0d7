import Dispatch
import Testing

/// Runs each test of a suite on a thread of its own, so that it may block on sockets and processes without holding up the
/// shared concurrency pool, and only so many tests at the same time as the machine bears.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    /// How much of the machine a test needs; ``Turnstile/capacity`` is all of it.
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

    /// A test that keeps both cores busy: no other runs beside it.
    static var alone: OwnThread { OwnThread(weight: Turnstile.capacity) }
}

extension Result where Failure == any Error, Success: Sendable {
    /// What an asynchronous function came to.
    fileprivate init(_ body: @Sendable () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}

/// Jobs of one task, on one dispatch queue; a queue that blocks has a thread to itself.
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

/// Lets tests in, first come first served, while their weights together stay within the capacity.
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
