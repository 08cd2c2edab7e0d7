import Logging
import Synchronization
import Testing

@testable import Manager

@Suite struct ReloaderTests {
    private struct Wrong: Error {}

    /// A part whose content is the number of its exchanges.
    private final class Part: Sendable {
        let uses = Mutex(0)
        let isWrong = Mutex(false)

        var reloadable: ReloadablePart {
            ReloadablePart { [self] in
                if isWrong.withLock({ $0 }) { throw Wrong() }
                return ReloadablePart.Prepared(summary: "part") { self.uses.withLock { $0 += 1 } }
            }
        }

        var count: Int { uses.withLock { $0 } }
    }

    @Test func `all parts are exchanged, or none`() async {
        let parts = [Part(), Part()]
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let reloader = Reloader(parts.map(\.reloadable), logger: logger)
        #expect(await reloader.reload())
        #expect(parts.map(\.count) == [1, 1])
        parts[1].isWrong.withLock { $0 = true }
        #expect(await !reloader.reload())
        #expect(parts.map(\.count) == [1, 1])
        parts[1].isWrong.withLock { $0 = false }
        #expect(await reloader.reload())
        #expect(parts.map(\.count) == [2, 2])
    }
}
