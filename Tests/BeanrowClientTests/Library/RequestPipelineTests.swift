import BeanstalkWire
import TaskStore
import Testing

@testable import BeanrowClient

@Suite struct RequestPipelineTests {
    private typealias Pipeline = RequestPipeline<String>

    private let a = TubeName("a")!
    private let b = TubeName("b")!
    private let put = Command.put(priority: 0, delay: 0, timeToRun: 1, body: [1])

    private func request(
        _ id: Int,
        _ commands: [Command],
        using: TubeName? = nil,
        watching: Set<TubeName>? = nil
    ) -> Pipeline.Request {
        let state = ChannelState(using: using, watching: watching)
        return Pipeline.Request(id: id, commands: commands, state: state, promise: "request \(id)")
    }

    private func inserted(_ id: Int64) -> Reply { .inserted(TaskID(rawValue: id)) }

    private func sent(_ pipeline: inout Pipeline) -> [Command] {
        var commands: [Command] = []
        while let some = pipeline.next() { commands += some }
        return commands
    }

    @Test func `requests are sent without waiting, and answered in order`() throws {
        var pipeline = Pipeline(limit: 10)
        for id in 1...3 { #expect(pipeline.submit(request(id, [put])) == nil) }
        #expect(sent(&pipeline) == [put, put, put])
        for id in 1...3 {
            let ended = try #require(pipeline.received(inserted(Int64(id))).ended)
            #expect(ended.promise == "request \(id)")
            #expect(try ended.result.reply(at: 0) == inserted(Int64(id)))
        }
        #expect(!pipeline.isAwaiting)
    }

    @Test func `a request ends with its last answer`() throws {
        var pipeline = Pipeline(limit: 10)
        _ = pipeline.submit(request(1, [put, put]))
        _ = sent(&pipeline)
        #expect(pipeline.received(inserted(1)).ended == nil)
        let ended = try #require(pipeline.received(.draining).ended)
        guard case .answered(let replies) = ended.result else { return #expect(Bool(false)) }
        #expect(replies == [inserted(1), .draining])
    }

    @Test func `requests over the limit wait`() {
        var pipeline = Pipeline(limit: 2)
        for id in 1...3 { _ = pipeline.submit(request(id, [put])) }
        #expect(sent(&pipeline).count == 2)
        _ = pipeline.received(inserted(1))
        #expect(sent(&pipeline).count == 1)
    }

    @Test func `a request larger than the limit is sent alone`() {
        var pipeline = Pipeline(limit: 2)
        _ = pipeline.submit(request(1, [put, put, put]))
        _ = pipeline.submit(request(2, [put]))
        #expect(sent(&pipeline).count == 3)
        for id in 1...2 { _ = pipeline.received(inserted(Int64(id))) }
        #expect(sent(&pipeline).count == 1)
    }

    @Test func `the tube is set first, and only once`() {
        var pipeline = Pipeline(limit: 10)
        for id in 1...2 { _ = pipeline.submit(request(id, [put], using: a)) }
        #expect(sent(&pipeline) == [.use(a)])
        #expect(pipeline.received(.using(a)).ended == nil)
        #expect(sent(&pipeline) == [put, put])
    }

    @Test func `a put never follows a failed use`() throws {
        var pipeline = Pipeline(limit: 10)
        _ = pipeline.submit(request(1, [put], using: a))
        _ = pipeline.submit(request(2, [put]))
        #expect(sent(&pipeline) == [.use(a)])
        let ended = try #require(pipeline.received(.outOfMemory).ended)
        #expect(ended.promise == "request 1")
        guard case .notSent(let error) = ended.result else { return #expect(Bool(false)) }
        #expect(error.code == .outOfMemory)
        #expect(sent(&pipeline) == [put])
    }

    @Test func `new tubes are watched before old ones are ignored`() {
        var pipeline = Pipeline(limit: 10)
        _ = pipeline.submit(request(1, [.reserve], watching: [b, a]))
        #expect(sent(&pipeline) == [.watch(a), .watch(b), .ignore(.default)])
        for count in [2, 3, 2] { _ = pipeline.received(.watching(count)) }
        #expect(sent(&pipeline) == [.reserve])
        _ = pipeline.received(.timedOut)
        _ = pipeline.submit(request(2, [.reserve], watching: [a]))
        #expect(sent(&pipeline) == [.ignore(b)])
    }

    @Test func `the end of the connection says which requests were not sent`() {
        var pipeline = Pipeline(limit: 2)
        _ = pipeline.submit(request(1, [put, put]))
        _ = pipeline.submit(request(2, [put]))
        _ = sent(&pipeline)
        _ = pipeline.received(inserted(1))
        let results = pipeline.close(ClientError(.connectionLost, "gone"))
        #expect(results.map(\.promise) == ["request 1", "request 2"])
        guard case .lost(let answered, let lost) = results[0].result, case .notSent(let notSent) = results[1].result
        else { return #expect(Bool(false)) }
        #expect(answered == [inserted(1)])
        #expect(lost.code == .connectionLost)
        #expect(notSent.code == .notConnected)
        #expect(pipeline.close(ClientError(.connectionLost, "again")).isEmpty)
    }

    @Test func `requests are refused after the end`() {
        var pipeline = Pipeline(limit: 2)
        _ = pipeline.close(ClientError(.timedOut, "slow"))
        #expect(pipeline.submit(request(1, [put]))?.code == .notConnected)
        #expect(pipeline.next() == nil)
    }

    @Test(arguments: [
        Reply.deleted, .notFound, .reserved(TaskID(rawValue: 1), body: []), .kicked(1), .ok([]),
    ])
    func `an answer that does not fit is a violation`(_ reply: Reply) {
        var pipeline = Pipeline(limit: 2)
        _ = pipeline.submit(request(1, [put]))
        _ = sent(&pipeline)
        guard case .violation(let error) = pipeline.received(reply) else { return #expect(Bool(false)) }
        #expect(error.code == .protocolViolation)
    }

    @Test func `an answer without a command is a violation`() {
        var pipeline = Pipeline(limit: 2)
        guard case .violation = pipeline.received(.deleted) else { return #expect(Bool(false)) }
    }

    @Test func `cancelling removes a request that was not sent`() throws {
        var pipeline = Pipeline(limit: 1)
        for id in 1...2 { _ = pipeline.submit(request(id, [put])) }
        _ = sent(&pipeline)
        let ended = try #require(pipeline.cancel(2).ended)
        #expect(ended.promise == "request 2")
        guard case .notSent = ended.result else { return #expect(Bool(false)) }
        _ = pipeline.received(inserted(1))
        #expect(sent(&pipeline).isEmpty)
    }

    @Test func `the answer to a cancelled request is ignored`() throws {
        var pipeline = Pipeline(limit: 10)
        for id in 1...2 { _ = pipeline.submit(request(id, [put])) }
        _ = sent(&pipeline)
        let cancelled = try #require(pipeline.cancel(1).ended)
        guard case .lost(_, let error) = cancelled.result else { return #expect(Bool(false)) }
        #expect(error.code == .cancelled)
        #expect(pipeline.received(inserted(1)).ended == nil)
        #expect(pipeline.received(inserted(2)).ended?.promise == "request 2")
    }

    @Test(arguments: [Command.reserve, .reserveWithTimeout(seconds: 3), .reserveJob(TaskID(rawValue: 1))])
    func `cancelling a reserve closes the connection`(_ command: Command) {
        var pipeline = Pipeline(limit: 10)
        _ = pipeline.submit(request(1, [command]))
        _ = sent(&pipeline)
        guard case .mustClose = pipeline.cancel(1) else { return #expect(Bool(false)) }
    }

    @Test func `cancelling an ended request does nothing`() {
        var pipeline = Pipeline(limit: 10)
        guard case .nothing = pipeline.cancel(7) else { return #expect(Bool(false)) }
    }

    @Test func `the wait of a command is known`() {
        var pipeline = Pipeline(limit: 10)
        _ = pipeline.submit(request(1, [put, .reserveWithTimeout(seconds: 9), .reserve]))
        _ = sent(&pipeline)
        #expect(pipeline.secondsToWait == 0)
        _ = pipeline.received(inserted(1))
        #expect(pipeline.secondsToWait == 9)
        _ = pipeline.received(.timedOut)
        #expect(pipeline.secondsToWait == nil)
    }
}

extension RequestPipeline.Received {
    fileprivate var ended: (promise: Promise, result: RequestResult)? {
        if case .ended(let promise, let result) = self { (promise, result) } else { nil }
    }
}

extension RequestPipeline.Cancelled {
    fileprivate var ended: (promise: Promise, result: RequestResult)? {
        if case .ended(let promise, let result) = self { (promise, result) } else { nil }
    }
}
