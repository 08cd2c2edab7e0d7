internal import Manager
internal import ServiceLifecycle
internal import ServiceNotification
internal import UnixSignals

/// Switches the manager to drain mode at SIGUSR1, as beanstalkd does.
struct DrainOnSignal: Service {
    let manager: ManagerService
    let notifier: ServiceNotifier

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sigusr1).cancelOnGracefulShutdown() {
            manager.drain()
            notifier.didBeginToDrain()
        }
    }
}
