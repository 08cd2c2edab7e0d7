#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// The facts about machine and process in `stats`, which are read once at the start.
struct HostDescription {
    /// The version of the manager.
    var version: String

    /// The process's number.
    var processID: Int32

    /// A random name for this process, 16 hexadecimal digits.
    var instance: String

    /// The host's name, from `uname`.
    var name: String

    /// The system's version, from `uname`.
    var system: String

    /// The machine's kind, from `uname`.
    var platform: String

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

    private static func seconds(_ time: timeval) -> String {
        let digits = String(time.tv_usec)
        return "\(time.tv_sec)." + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    /// Returns the C string in one of `utsname`'s arrays, which are tuples in Swift.
    private static func text<Tuple>(of field: inout Tuple) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
