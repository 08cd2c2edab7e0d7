import Testing

@testable import Transport

@Suite struct HandshakeQueueTests {
    @Test func `a new handshake ends the oldest one if there are too many`() {
        var queue = HandshakeQueue<Int>(most: 2, stepsPerPass: 1)
        #expect(queue.begin(1) == nil)
        #expect(queue.begin(2) == nil)
        #expect(queue.begin(3) == 1)
        queue.end(2)
        #expect(queue.begin(4) == nil)
        #expect(queue.begin(5) == 3)
        #expect(queue.count == 2)
    }

    @Test func `only some steps are done per pass, and the others follow in their order`() {
        var queue = HandshakeQueue<Int>(most: 100, stepsPerPass: 2)
        for id in 1...5 { _ = queue.begin(id) }
        #expect((1...5).map { queue.wantsStep($0) } == [.now, .now, .later, .later, .later])
        #expect(queue.needsPass)
        #expect(queue.nextPass() == [3, 4])
        // A handshake that waits keeps its place before one that asks again.
        #expect(queue.wantsStep(1) == .later)
        #expect(queue.nextPass() == [5, 1])
        #expect(queue.needsPass)
        #expect(queue.nextPass() == [])
        #expect(!queue.needsPass)
        #expect(queue.wantsStep(2) == .now)
    }

    @Test func `a handshake that ended while it waited gets no step`() {
        var queue = HandshakeQueue<Int>(most: 100, stepsPerPass: 1)
        for id in 1...3 { _ = queue.begin(id) }
        for id in 1...3 { _ = queue.wantsStep(id) }
        queue.end(2)
        #expect(queue.nextPass() == [3])
    }

    @Test func `handshakes that end in any order leave nothing behind`() {
        var queue = HandshakeQueue<Int>(most: 1_000, stepsPerPass: 4)
        _ = queue.begin(-1)
        for id in 0..<100_000 {
            #expect(queue.begin(id) == nil)
            queue.end(id)
        }
        #expect(queue.count == 1)
        #expect(queue.remembered < 1_000)
    }
}
