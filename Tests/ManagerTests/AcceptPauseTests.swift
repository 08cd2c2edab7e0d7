import Testing

@testable import Manager

/// The pauses between attempts to accept connections.
@Suite struct AcceptPauseTests {
    @Test func `pauses grow up to a second, and begin again after a connection`() {
        var pause = AcceptPause()
        #expect(pause.accepted() == nil)
        #expect(pause.failed() == .milliseconds(20) && pause.isFirst)
        #expect(pause.failed() == .milliseconds(40) && !pause.isFirst)
        for _ in 1...10 { _ = pause.failed() }
        #expect(pause.failed() == .seconds(1))
        #expect(pause.accepted() == 13)
        #expect(pause.accepted() == nil)
        #expect(pause.failed() == .milliseconds(20) && pause.isFirst)
    }
}
