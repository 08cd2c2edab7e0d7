import Testing

@testable import Manager

/// How closely the store is watched for the commits of other programs.
@Suite struct LookoutTests {
    var lookout = Lookout()

    private mutating func lookInVain(_ times: Int) -> [Lookout.Step] {
        (0..<times).map { _ in lookout.looked(found: false, waiting: 3) }
    }

    @Test mutating func `the store is not looked at if no session waits`() {
        #expect(lookout.waiting(0) == .goOn)
        #expect(lookout.looked(found: false, waiting: 0) == .goOn)
        #expect(lookout.waiting(1) == .start)
        #expect(lookout.waiting(2) == .goOn, "once")
        #expect(lookout.looked(found: false, waiting: 0) == .stop)
        #expect(lookout.waiting(1) == .start)
    }

    @Test mutating func `if nothing comes the store is asked to call, and looking begins again after its call`() {
        _ = lookout.waiting(3)
        #expect(lookInVain(8) == Array(repeating: .goOn, count: 7) + [.ask])
        #expect(lookout.asked(calls: true, found: false) == .stop)
        #expect(lookout.isCalled)
        #expect(lookout.waiting(4) == .goOn)
        #expect(lookout.called(waiting: 3) == .start)
        #expect(!lookout.isCalled)
        #expect(lookout.called(waiting: 3) == .goOn, "a call that comes late")
        #expect(lookInVain(8).last == .ask)
    }

    @Test mutating func `the count begins again if a look finds something`() {
        _ = lookout.waiting(3)
        _ = lookInVain(7)
        #expect(lookout.looked(found: true, waiting: 3) == .goOn)
        #expect(lookInVain(8).last == .ask)
        #expect(lookout.asked(calls: true, found: true) == .goOn, "it came between the last look and the question")
        #expect(lookInVain(8).last == .ask)
    }

    @Test mutating func `a store that does not call is looked at without end`() {
        _ = lookout.waiting(3)
        for _ in 0..<3 {
            #expect(lookInVain(8).last == .ask)
            #expect(lookout.asked(calls: false, found: false) == .goOn)
        }
        #expect(!lookout.isCalled)
    }

    @Test mutating func `a store that should have called and did not is looked at again`() {
        _ = lookout.waiting(3)
        _ = lookInVain(8)
        _ = lookout.asked(calls: true, found: false)
        #expect(lookout.looked(found: false, waiting: 3) == .goOn)
        #expect(lookout.isCalled)
        #expect(lookout.looked(found: true, waiting: 3) == .start)
        #expect(!lookout.isCalled)
    }

    @Test mutating func `a call starts no looks if no session waits any more`() {
        _ = lookout.waiting(3)
        _ = lookInVain(8)
        _ = lookout.asked(calls: true, found: false)
        #expect(lookout.called(waiting: 0) == .goOn)
        #expect(!lookout.isCalled)
        #expect(lookout.waiting(1) == .start)
    }
}
