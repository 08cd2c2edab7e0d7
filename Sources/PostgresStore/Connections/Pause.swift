import Glibc

/// Waits.
enum Pause {
    /// Blocks the thread.
    static func sleep(_ time: Duration) {
        guard time > .zero else { return }
        usleep(UInt32(clamping: time.milliseconds * 1000))
    }
}
