internal import Foundation

/// Shows how far long work is, in one line on standard error, if that is a terminal.
///
/// For blocking work on a thread of its own.
final class ProgressLine {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var last = ContinuousClock.now
    private var isShown = false

    deinit {
        if isShown { write("\r\u{1B}[K") }
    }

    /// Shows a share from 0 to 1, a few times per second.
    func show(_ share: Double) {
        show { String(format: "%.0f %%", share * 100) }
    }

    /// Shows a text, a few times per second.
    func show(_ text: () -> String) {
        guard isTerminal, ContinuousClock.now - last > .milliseconds(200) else { return }
        last = .now
        isShown = true
        write("\r\u{1B}[K" + text())
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
