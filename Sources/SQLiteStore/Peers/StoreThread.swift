import CPlatform
import Glibc
import TaskStore

/// A thread of the store's own, which sleeps nearly always.
struct StoreThread {
    private let thread: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - what: its purpose, for messages.
    ///   - run: its function, which has to return before ``join()`` can.
    /// - Throws: ``StoreError/Code/unusable``.
    init(for what: String, _ run: @escaping @Sendable () -> Void) throws(StoreError) {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Body(run))
        let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            guard let argument else { return nil }
            Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }
        let code = beanrow_start_thread(&thread, start, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            throw StoreError(.unusable, "no thread for \(what): \(systemErrorText(code))")
        }
        self.thread = thread
    }

    /// Waits for its end.
    ///
    /// At most once.
    func join() {
        pthread_join(thread, nil)
    }
}
