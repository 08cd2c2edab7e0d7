// The program under tools/instruction-count: does a fixed piece of work in one process, without network or threads.

import Glibc

guard CommandLine.arguments.count == 2 else {
    print("usage: instruction-workload DATABASE (a file that does not exist)")
    exit(64)
}
do {
    try Workload(database: CommandLine.arguments[1]).run()
} catch {
    print("instruction-workload: \(error)")
    exit(1)
}
