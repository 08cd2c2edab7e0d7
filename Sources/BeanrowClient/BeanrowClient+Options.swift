public import Logging

extension BeanrowClient {
    /// How a client behaves.
    public struct Options: Sendable {
        /// Which manager the next request goes to.
        public var pick = PickStrategy.stay

        /// How long one try to connect to one manager may take.
        public var connectTimeout = Duration.seconds(5)

        /// How long a request goes on looking for a manager that can be reached and does not refuse, before it fails.
        ///
        /// Every manager is tried at least once, however short this is.
        public var patience = Duration.seconds(10)

        /// How long to wait between tries: for each manager from its first failure, for a request from the first time
        /// that all refused it.
        public var retryDelay = GrowingDelay()

        /// How long a manager may take for an answer, not counting what a reserve waits by its own word.
        ///
        /// A manager that takes longer counts as dead and its connection is closed.
        public var requestTimeout = Duration.seconds(30)

        /// The most commands in flight on one connection; more wait in the client.
        public var commandsInFlight = 1024

        /// The longest that a reserve waits at one manager before it asks the next picked one.
        public var longestWait = Duration.seconds(30)

        /// Whether claims outlive their connection: see ``Claim``.
        ///
        /// If not, all is as with beanstalkd: a lost connection gives its claims back at once, be it the manager that died
        /// or this process.
        public var claimsOutliveConnections = true

        /// Whether each put carries a key of its own, so that one whose answer was lost can be repeated without the task
        /// being there twice.
        ///
        /// If not, such a put fails with ``ClientError/Code/putOutcomeUnknown``; a put costs the managers less then.
        public var putsWithKeys = true

        /// Where lost connections and failed tries are told, at debug level.
        public var logger = Logger(label: "beanrow.client") { _ in SwiftLogNoOpLogHandler() }

        /// How long a manager may take to answer that a session takes leave.
        package var longestLeave = Duration.seconds(3)
        package var timekeeper = Timekeeper.continuous
        package var randomNumber: @Sendable (Int) -> Int = { Int.random(in: 0..<$0) }

        /// The defaults.
        public init() {}
    }
}
