internal import BeanrowClient
internal import ClientCommandSupport
internal import CommandLineSupport
internal import Synchronization

/// One run of the producer: takes batches from the source, keeps some of them on their way, tells the outcomes.
///
/// All goes through one connection for as long as it lasts, so that tasks come in the order of the lines.
final class ProducerRun: Sendable {
    /// What all tasks have in common.
    struct Template: Sendable {
        var tube: TubeName
        var priority: UInt32
        var delay: UInt32
        var timeToRun: UInt32

        /// What the keys of the lines begin with, a line's number behind it; none where they are not named.
        var keyPrefix: KeyPrefix?
    }

    private enum Sent: Sendable {
        case batch(LineBatch, PendingPuts)
        case failed(LineBatch, ClientError)
        case brokenInput(String)
        case end
    }

    // Batches on their way: enough to keep manager and network busy while the outcomes of the first are looked at.
    private static let batchesInFlight = 6

    private let client: BeanrowClient
    private let source: TaskSource
    private let template: Template
    private let ids: OutputFile?
    private let tally = Mutex(ProducerTally())

    /// Makes a run.
    ///
    /// - Parameters:
    ///   - client: where the tasks go.
    ///   - source: where the lines come from.
    ///   - template: what all tasks have in common.
    ///   - ids: where the ids are written, if they are asked for.
    init(client: BeanrowClient, source: TaskSource, template: Template, ids: OutputFile?) {
        self.client = client
        self.source = source
        self.template = template
        self.ids = ids
    }

    /// How many tasks were put until now.
    var putCount: Int { tally.withLock { $0.put } }

    /// Puts all there is, or until it is interrupted: then what is on its way is waited for, at the second time not.
    func run(until interruption: Interruption) async -> ProducerTally {
        let stop = interruption.stop
        let (sent, handOver) = AsyncStream.makeStream(of: Sent.self)
        let (places, freePlace) = AsyncStream.makeStream(of: Void.self)
        for _ in 0..<Self.batchesInFlight { freePlace.yield() }

        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await stop.wait()
                self.source.stop()
            }
            group.addTask {
                await interruption.atOnce.wait()
                if interruption.atOnce.isSet { await self.client.close() }
            }
            group.addTask {
                await self.send(to: handOver, places: places)
                handOver.finish()
            }
            for await some in sent {
                await self.settle(some)
                freePlace.yield()
            }
            group.cancelAll()
        }
        return tally.withLock { tally in
            if !tally.sawEnd && tally.givenUp == nil {
                tally.givenUp = "interrupted"
            }
            return tally
        }
    }

    private func send(to handOver: AsyncStream<Sent>.Continuation, places: AsyncStream<Void>) async {
        var free = places.makeAsyncIterator()
        do {
            for try await input in source.batches {
                guard case .batch(let batch) = input else {
                    handOver.yield(.end)
                    continue
                }
                source.took()
                await free.next()
                // What was read ahead is left where it was given up meanwhile.
                if tally.withLock({ $0.givenUp != nil }) { break }
                do throws(ClientError) {
                    handOver.yield(.batch(batch, try await start(batch)))
                } catch {
                    handOver.yield(.failed(batch, error))
                    break
                }
            }
            source.stop()
        } catch {
            handOver.yield(.brokenInput("\(error)"))
        }
    }

    private func start(_ batch: LineBatch) async throws(ClientError) -> PendingPuts {
        let keys = template.keyPrefix.map { prefix in
            batch.lines.indices.compactMap { place -> UniqueKey? in
                guard case .body = batch.lines[place] else { return nil }
                return prefix.key(ofLine: batch.firstNumber + place)
            }
        }
        return try await client.startPut(tasks(batch), uniqueKeys: keys)
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
            let isGivenUp = tally.withLock { $0.givenUp != nil }
            text = add(batch, await puts.outcomes(canGoElsewhere: !isGivenUp))
        case .failed(let batch, let error):
            text = add(batch, Array(repeating: .failure(error), count: batch.lines.count))
        case .brokenInput(let reason):
            return tally.withLock { $0.givenUp = $0.givenUp ?? reason }
        case .end:
            return tally.withLock { $0.sawEnd = true }
        }
        if tally.withLock({ $0.givenUp != nil }) {
            source.stop()
        }
        guard let ids else { return }
        do {
            try await ids.write(text)
        } catch {
            tally.withLock { $0.givenUp = $0.givenUp ?? "cannot write the ids: \(error)" }
            source.stop()
        }
    }

    private func add(_ batch: LineBatch, _ outcomes: [Result<TaskID, ClientError>]) -> [UInt8] {
        tally.withLock { tally in
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
                let word = tally.add(line: batch.firstNumber + place, outcome)
                if ids != nil {
                    text += word.utf8
                    text.append(UInt8(ascii: "\n"))
                }
            }
            return text
        }
    }

    private static let tooLong = ClientError(.jobTooBig, "the body is larger than the manager takes (JOB_TOO_BIG)")
}
