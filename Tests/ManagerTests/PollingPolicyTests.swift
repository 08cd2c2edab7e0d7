import Testing

@testable import Manager

/// How closely the store is watched for the commits of other programs.
@Suite struct PollingPolicyTests {
    var polling = PollingPolicy()

    private mutating func pollInVain(_ times: Int) -> [PollingPolicy.Step] {
        (0..<times).map { _ in polling.looked(found: false, waiting: 3) }
    }

    @Test mutating func `the store is not looked at if no session waits`() {
        #expect(polling.waiting(0) == .goOn)
        #expect(polling.looked(found: false, waiting: 0) == .goOn)
        #expect(polling.waiting(1) == .start)
        #expect(polling.waiting(2) == .goOn, "once")
        #expect(polling.looked(found: false, waiting: 0) == .stop)
        #expect(polling.waiting(1) == .start)
    }

    @Test mutating func `if nothing comes the store is asked to call, and looking begins again after its call`() {
        _ = polling.waiting(3)
        #expect(pollInVain(8) == Array(repeating: .goOn, count: 7) + [.ask])
        #expect(polling.asked(calls: true, found: false) == .stop)
        #expect(polling.isCalled)
        #expect(polling.waiting(4) == .goOn)
        #expect(polling.called(waiting: 3) == .start)
        #expect(!polling.isCalled)
        #expect(polling.called(waiting: 3) == .goOn, "a call that comes late")
        #expect(pollInVain(8).last == .ask)
    }

    @Test mutating func `the count begins again if a look finds something`() {
        _ = polling.waiting(3)
        _ = pollInVain(7)
        #expect(polling.looked(found: true, waiting: 3) == .goOn)
        #expect(pollInVain(8).last == .ask)
        #expect(polling.asked(calls: true, found: true) == .goOn, "it came between the last look and the question")
        #expect(pollInVain(8).last == .ask)
    }

    @Test mutating func `a store that does not call is looked at without end`() {
        _ = polling.waiting(3)
        for _ in 0..<3 {
            #expect(pollInVain(8).last == .ask)
            #expect(polling.asked(calls: false, found: false) == .goOn)
        }
        #expect(!polling.isCalled)
    }

    @Test mutating func `a store that should have called and did not is looked at again`() {
        _ = polling.waiting(3)
        _ = pollInVain(8)
        _ = polling.asked(calls: true, found: false)
        #expect(polling.looked(found: false, waiting: 3) == .goOn)
        #expect(polling.isCalled)
        #expect(polling.looked(found: true, waiting: 3) == .start)
        #expect(!polling.isCalled)
    }

    @Test mutating func `a call starts no looks if no session waits any more`() {
        _ = polling.waiting(3)
        _ = pollInVain(8)
        _ = polling.asked(calls: true, found: false)
        #expect(polling.called(waiting: 0) == .goOn)
        #expect(!polling.isCalled)
        #expect(polling.waiting(1) == .start)
    }
}
