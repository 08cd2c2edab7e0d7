import TaskStore
import Testing

@testable import ServiceNotification

/// The protocol as messages over time, for one loop that is read each second.
@Suite struct ServiceStateTests {
    private let start = ContinuousClock.now

    private func messages(
        _ state: inout ServiceState,
        at second: Int,
        turns: Int,
        wait: StoreWait.Reason? = nil,
        isStalled: Bool = false
    ) -> [String] {
        let reading = LoopReading(turns: UInt64(turns), wait: wait, isStalled: isStalled)
        return state.messages(at: start + .seconds(second), [reading])
    }

    @Test func `a manager is ready when it accepts connections`() {
        var state = ServiceState(watchdog: nil)
        #expect(state.messages(at: start, []) == ["STATUS=Starting"])
        #expect(state.messages(at: start + .seconds(1), []) == [])
        state.didStart(address: "127.0.0.1:11300")
        #expect(messages(&state, at: 2, turns: 1) == ["READY=1", "STATUS=Serving at 127.0.0.1:11300"])
        #expect(messages(&state, at: 3, turns: 3) == [])
    }

    @Test func `a start that waits for the store asks for more time, and a start that hangs does not`() {
        var state = ServiceState(watchdog: nil)
        #expect(messages(&state, at: 0, turns: 0, wait: .lock) == ["STATUS=Starting", "EXTEND_TIMEOUT_USEC=30000000"])
        #expect(messages(&state, at: 4, turns: 0, wait: .lock) == [])
        #expect(
            messages(&state, at: 5, turns: 0, wait: .lock) == [
                "STATUS=Starting; waiting for the lock of another manager for 5 s", "EXTEND_TIMEOUT_USEC=30000000",
            ]
        )
        #expect(messages(&state, at: 6, turns: 0) == ["STATUS=Starting"])
        #expect(messages(&state, at: 60, turns: 0) == ["STATUS=Starting; an event loop hangs"])
    }

    @Test func `the watchdog is answered in each third of its time while the loop turns`() {
        var state = ServiceState(watchdog: .seconds(30))
        state.didStart(address: "a")
        let pings = (0..<60)
            .filter { second in
                messages(&state, at: second, turns: 2 * second).contains("WATCHDOG=1")
            }
        #expect(pings == [0, 10, 20, 30, 40, 50])
    }

    @Test func `the watchdog is not answered any more when the loop stands still for more than 15 seconds`() {
        var state = ServiceState(watchdog: .seconds(3))
        state.didStart(address: "a")
        let pings = (0..<60)
            .filter { second in
                messages(&state, at: second, turns: min(second, 20)).contains("WATCHDOG=1")
            }
        #expect(pings == Array(0...35))
    }

    @Test(arguments: StoreWait.Reason.allCases)
    func `the watchdog is answered while the store waits, and the status tells for what`(reason: StoreWait.Reason) {
        var state = ServiceState(watchdog: .seconds(3))
        state.didStart(address: "a")
        var last: String?
        for second in 0..<600 {
            let sent = messages(&state, at: second, turns: 1, wait: reason)
            #expect(sent.contains("WATCHDOG=1"))
            last = sent.last { $0.hasPrefix("STATUS=") } ?? last
        }
        #expect(last?.hasPrefix("STATUS=Serving at a; waiting for the ") == true)
        #expect(last?.hasSuffix(" for 595 s") == true)
        // After the wait the loop has its whole time again.
        #expect(messages(&state, at: 600, turns: 1).contains("WATCHDOG=1"))
        #expect(messages(&state, at: 614, turns: 1).contains("WATCHDOG=1"))
        #expect(!messages(&state, at: 615, turns: 1).contains("WATCHDOG=1"))
    }

    @Test func `a foreign transaction is shown while the loop turns`() {
        var state = ServiceState(watchdog: .seconds(3))
        state.didStart(address: "a")
        _ = messages(&state, at: 0, turns: 0)
        _ = messages(&state, at: 1, turns: 2, isStalled: true)
        let sent = messages(&state, at: 61, turns: 122, isStalled: true)
        #expect(
            sent == ["STATUS=Serving at a; waiting for the transaction of another program for 60 s", "WATCHDOG=1"]
        )
        #expect(messages(&state, at: 62, turns: 124).first == "STATUS=Serving at a")
    }

    @Test func `one loop that hangs is enough`() {
        var state = ServiceState(watchdog: .seconds(3))
        state.didStart(address: "a")
        func sent(_ second: Int) -> [String] {
            let turning = LoopReading(turns: UInt64(second))
            return state.messages(at: start + .seconds(second), [turning, LoopReading(turns: 7)])
        }
        #expect(sent(0).contains("WATCHDOG=1"))
        #expect(sent(15).contains("WATCHDOG=1"))
        #expect(sent(16) == ["STATUS=Serving at a; an event loop hangs"])
    }

    @Test func `reloading, draining and stopping are told`() {
        var state = ServiceState(watchdog: nil)
        state.didStart(address: "a")
        _ = messages(&state, at: 0, turns: 1)
        state.didBeginToReload(monotonicMicroseconds: 17)
        state.didReload()
        #expect(messages(&state, at: 1, turns: 2) == ["RELOADING=1\nMONOTONIC_USEC=17", "READY=1"])
        state.didBeginToDrain()
        #expect(messages(&state, at: 2, turns: 3) == ["STATUS=Draining at a: new tasks are refused"])
        state.didBeginToStop()
        state.didBeginToStop()
        #expect(messages(&state, at: 3, turns: 4) == ["STOPPING=1", "STATUS=Stopping"])
        #expect(messages(&state, at: 4, turns: 4, wait: .disk) == ["EXTEND_TIMEOUT_USEC=30000000"])
    }
}
