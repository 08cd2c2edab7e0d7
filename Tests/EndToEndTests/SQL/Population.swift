import Testing

/// A queue with tasks in all states, and the connections that it needs.
///
/// The tube `mail` has more than 30 tasks, in every state: 2 and 7 are buried, 4 is claimed by a connection, 5 by a
/// named session through the other manager, two are delayed, one has a large body, and the others are pending.
final class Population {
    /// The connection that has claimed task 4.
    let consumer: BeanstalkSocket

    private let named: BeanstalkSocket
    private let waiting: BeanstalkSocket

    /// Fills the database of a bed that has two managers.
    init(_ bed: TestBed) throws {
        let producer = try bed.connect(0)
        try producer.use("mail")
        for number in 1...30 {
            try producer.put("{\"order\":\(number)}", priority: [10, 1000, 65_536][number % 3])
        }
        for _ in 1...2 { try producer.put("later", priority: 100, delay: 3600) }
        try producer.put(String(repeating: "ü", count: 30_000), priority: 65_536)

        consumer = try bed.connect(0)
        try consumer.watchOnly("mail")
        for id in [2, 7] {
            try consumer.send("reserve-job \(id)\r\n")
            try consumer.task("RESERVED")
            try consumer.ask("bury \(id) 5", "BURIED")
        }
        try consumer.send("reserve-job 4\r\n")
        try consumer.task("RESERVED")

        named = try bed.connect(1)
        try named.ask("session population", "SESSION 0")
        try named.send("reserve-job 5\r\n")
        try named.task("RESERVED")

        waiting = try bed.connect(1)
        try waiting.watchOnly("empty")
        try waiting.send("reserve\r\n")
    }
}
