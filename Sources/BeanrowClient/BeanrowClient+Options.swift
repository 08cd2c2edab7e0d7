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

        /// Where lost connections and failed tries are told, at debug level.
        public var logger = Logger(label: "beanrow.client") { _ in SwiftLogNoOpLogHandler() }

        package var timekeeper = Timekeeper.continuous
        package var randomNumber: @Sendable (Int) -> Int = { Int.random(in: 0..<$0) }

        /// The defaults.
        public init() {}
    }
}
