internal import CPlatform
internal import Glibc

/// A thread of its own for work that blocks, so that no shared pool waits for it.
///
/// It receives no signals: the other threads of the process receive them.
public struct SystemThread: Sendable {
    /// The reason why no thread could be started.
    public struct Failure: Error, CustomStringConvertible {
        /// The error number of `pthread_create`.
        public let code: CInt

        /// The system's text for the error number.
        public var description: String { String(cString: strerror(code)) }
    }

    private let thread: pthread_t

    /// Carries the work to the thread.
    private final class Work: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    /// Starts a thread, whose end ``join()`` waits for.
    ///
    /// - Parameter body: runs on the thread. It has to return before ``join()`` can.
    /// - Throws: ``Failure`` if the system starts no more threads.
    public init(_ body: @escaping @Sendable () -> Void) throws(Failure) {
        thread = try Self.start(body)
    }

    /// Starts a thread for whose end no other thread waits.
    ///
    /// - Parameter body: runs on the thread.
    /// - Throws: ``Failure`` if the system starts no more threads.
    public static func detach(_ body: @escaping @Sendable () -> Void) throws(Failure) {
        pthread_detach(try start(body))
    }

    /// Waits for the end of the thread, and blocks the calling thread.
    ///
    /// It must be called exactly once.
    public func join() {
        pthread_join(thread, nil)
    }

    private static func start(_ body: @escaping @Sendable () -> Void) throws(Failure) -> pthread_t {
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Work(body))
        let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            guard let argument else { return nil }
            Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
            return nil
        }
        let code = beanrow_start_thread(&thread, run, work.toOpaque())
        guard code == 0 else {
            work.release()
            throw Failure(code: code)
        }
        return thread
    }
}
