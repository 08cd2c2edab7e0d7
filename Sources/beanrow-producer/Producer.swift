internal import BeanrowClient
internal import ClientCommandSupport
internal import CommandLineSupport
internal import Synchronization

/// Puts the lines of a source, with several batches in flight, and records the outcomes.
///
/// All lines go through one connection while it lasts, so that the tasks arrive in the order of the lines.
final class Producer: Sendable {
    /// The properties that all tasks share.
    struct Template: Sendable {
        var tube: TubeName
        var priority: UInt32
        var delay: UInt32
        var timeToRun: UInt32

        /// The prefix of the lines' keys, or `nil` if the client makes up keys.
        var keyPrefix: KeyPrefix?
    }

    private enum Sent: Sendable {
        case batch(LineBatch, PutBatch)
        case failed(LineBatch, ClientError)
        case brokenInput(String)
        case end
    }

    // Enough to keep the manager and the network busy while the outcomes of the first batch are recorded.
    private static let batchesInFlight = 6

    private let client: BeanrowClient
    private let source: TaskSource
    private let template: Template
    private let ids: OutputFile?
    private let summary = Mutex(ProducerSummary())

    /// Creates a producer.
    ///
    /// - Parameters:
    ///   - client: puts the tasks.
    ///   - source: reads the lines.
    ///   - template: the properties that all tasks share.
    ///   - ids: the file for the ids, or `nil` if they are not printed.
    init(client: BeanrowClient, source: TaskSource, template: Template, ids: OutputFile?) {
        self.client = client
        self.source = source
        self.template = template
        self.ids = ids
    }

    /// The number of tasks that were put so far.
    var putCount: Int { summary.withLock { $0.put } }

    /// Puts all lines, or stops at the first signal and waits for the batches in flight.
    ///
    /// The second signal ends the wait.
    ///
    /// - Returns: the outcomes.
    func run(until signals: ShutdownSignals) async -> ProducerSummary {
        let stop = signals.stop
        let (sent, continuation) = AsyncStream.makeStream(of: Sent.self)
        let (slots, freeSlot) = AsyncStream.makeStream(of: Void.self)
        for _ in 0..<Self.batchesInFlight { freeSlot.yield() }

        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await stop.wait()
                self.source.stop()
            }
            group.addTask {
                await signals.atOnce.wait()
                if signals.atOnce.isSet { await self.client.close() }
            }
            group.addTask {
                await self.send(to: continuation, slots: slots)
                continuation.finish()
            }
            for await some in sent {
                await self.settle(some)
                freeSlot.yield()
            }
            group.cancelAll()
        }
        return summary.withLock { summary in
            if !summary.sawEnd && summary.failure == nil {
                summary.failure = "interrupted"
            }
            return summary
        }
    }

    private func send(to continuation: AsyncStream<Sent>.Continuation, slots: AsyncStream<Void>) async {
        var free = slots.makeAsyncIterator()
        do {
            for try await input in source.batches {
                guard case .batch(let batch) = input else {
                    continuation.yield(.end)
                    continue
                }
                source.batchWasTaken()
                await free.next()
                // After a failure, lines that were read ahead are not put.
                if summary.withLock({ $0.failure != nil }) { break }
                do throws(ClientError) {
                    continuation.yield(.batch(batch, try await start(batch)))
                } catch {
                    continuation.yield(.failed(batch, error))
                    break
                }
            }
            source.stop()
        } catch {
            continuation.yield(.brokenInput("\(error)"))
        }
    }

    private func start(_ batch: LineBatch) async throws(ClientError) -> PutBatch {
        let keys = template.keyPrefix.map { prefix in
            batch.lines.indices.compactMap { place -> UniqueKey? in
                guard case .body = batch.lines[place] else { return nil }
                return prefix.key(ofLine: batch.firstNumber + place)
            }
        }
        return try await client.sendPuts(tasks(batch), uniqueKeys: keys)
    }

    private func tasks(_ batch: LineBatch) -> [NewTask] {
        batch.lines.compactMap { line in
            guard case .body(let body) = line else { return nil }
            return NewTask(
                tube: template.tube,
                priority: template.priority,
                delay: template.delay,
                timeToRun: template.timeToRun,
                body: body
            )
        }
    }

    private func settle(_ sent: Sent) async {
        let text: [UInt8]
        switch sent {
        case .batch(let batch, let puts):
            let isGivenUp = summary.withLock { $0.failure != nil }
            text = add(batch, await puts.outcomes(allowsFailover: !isGivenUp))
        case .failed(let batch, let error):
            text = add(batch, Array(repeating: .failure(error), count: batch.lines.count))
        case .brokenInput(let reason):
            return summary.withLock { $0.failure = $0.failure ?? reason }
        case .end:
            return summary.withLock { $0.sawEnd = true }
        }
        if summary.withLock({ $0.failure != nil }) {
            source.stop()
        }
        guard let ids else { return }
        do {
            try await ids.write(text)
        } catch {
            summary.withLock { $0.failure = $0.failure ?? "cannot write the ids: \(error)" }
            source.stop()
        }
    }

    private func add(_ batch: LineBatch, _ outcomes: [Result<TaskID, ClientError>]) -> [UInt8] {
        summary.withLock { summary in
            var text: [UInt8] = []
            var next = 0
            for (place, line) in batch.lines.enumerated() {
                let outcome: Result<TaskID, ClientError>
                switch line {
                case .body:
                    outcome = outcomes[next]
                    next += 1
                case .tooLong:
                    outcome = .failure(Self.tooLong)
                }
                let word = summary.add(line: batch.firstNumber + place, outcome)
                if ids != nil {
                    text += word.utf8
                    text.append(UInt8(ascii: "\n"))
                }
            }
            return text
        }
    }

    private static let tooLong = ClientError(.jobTooBig, "the body is larger than the manager accepts (JOB_TOO_BIG)")
}
