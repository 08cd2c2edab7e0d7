internal import Manager
internal import ServiceLifecycle
internal import UnixSignals

/// Reads the manager's files again at SIGHUP.
struct ReloadOnSignal: Service {
    let reloader: Reloader

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            await reloader.reload()
        }
    }
}
