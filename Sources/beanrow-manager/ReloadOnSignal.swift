internal import Manager
internal import ServiceLifecycle
internal import ServiceNotification
internal import UnixSignals

/// Reads the manager's files again at SIGHUP.
struct ReloadOnSignal: Service {
    let reloader: Reloader
    let notifier: ServiceNotifier

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            notifier.didBeginToReload()
            await reloader.reload()
            notifier.didReload()
        }
    }
}
