/// The processor time that a process has used.
package struct ProcessorTime: Sendable, Equatable {
    /// The time in the program itself.
    package var user: Duration

    /// The time in the kernel.
    package var system: Duration
}
