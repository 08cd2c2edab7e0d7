internal import Glibc

/// The facts about machine and process in `stats`, which are read once at the start.
package struct HostDescription: Sendable {
    /// The version of the manager.
    package var version: String

    /// The process's number.
    package var processID: Int32

    /// A random name for this process, 16 hexadecimal digits.
    package var instance: String

    /// The host's name, from `uname`.
    package var name: String

    /// The system's version, from `uname`.
    package var system: String

    /// The machine's kind, from `uname`.
    package var platform: String

    /// Returns the description of this process on this machine.
    static func current(version: String) -> HostDescription {
        var names = utsname()
        uname(&names)
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return HostDescription(
            version: version,
            processID: getpid(),
            instance: String(repeating: "0", count: 16 - digits.count) + digits,
            name: text(of: &names.nodename),
            system: text(of: &names.version),
            platform: text(of: &names.machine)
        )
    }

    /// Returns the processor time that this process has used so far.
    static func processorTime() -> ProcessorTime {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return ProcessorTime(user: seconds(usage.ru_utime), system: seconds(usage.ru_stime))
    }

    private static func seconds(_ time: timeval) -> Duration {
        .seconds(Int64(time.tv_sec)) + .microseconds(Int64(time.tv_usec))
    }

    /// Returns the C string in one of `utsname`'s arrays, which are tuples in Swift.
    private static func text<Tuple>(of field: inout Tuple) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
