import NIOCore
import Synchronization

/// The channels of a fake manager, by number.
final class FakeManagerConnections: Sendable {
    private let channels = Mutex<[any Channel]>([])

    var all: [any Channel] { channels.withLock { $0 } }

    func add(_ channel: any Channel) -> Int {
        channels.withLock { channels in
            channels.append(channel)
            return channels.count - 1
        }
    }
}
