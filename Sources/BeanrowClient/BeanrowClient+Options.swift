public import Logging
public import TaskStore
public import Transport

extension BeanrowClient {
    /// How a client behaves.
    public struct Options: Sendable {
        /// Which manager gets the next request.
        public var selection = ManagerSelection.sticky

        /// The longest time for one attempt to connect to one manager.
        public var connectTimeout = Duration.seconds(5)

        /// How long a request tries to find a manager that can be reached and does not refuse it.
        ///
        /// Then the request fails. Every manager is tried at least once, even if this is zero.
        public var failoverTimeout = Duration.seconds(10)

        /// The delay between attempts.
        ///
        /// It grows per manager with each failure to connect, and per request each time that all managers refuse it.
        public var backoff = ExponentialBackoff()

        /// How long a manager may take to answer, without the time that a reserve asks it to wait.
        ///
        /// If a manager takes longer, its connection is closed.
        public var requestTimeout = Duration.seconds(30)

        /// The most commands in flight per connection.
        ///
        /// More commands wait in the client.
        public var commandsInFlight = 1024

        /// The longest time that a reserve waits at one manager before it asks the next one.
        public var longestWait = Duration.seconds(30)

        /// Whether claims outlive their connection: see ``Claim``.
        ///
        /// If not, it is as with beanstalkd: a lost connection releases its claims at once.
        public var claimsOutliveConnections = true

        /// Whether each put carries its own key.
        ///
        /// With a key, a put whose answer was lost can be repeated, and its task is in the queue once. Without keys,
        /// such a put fails with ``ClientError/Code/putOutcomeUnknown``, and puts cost the managers less.
        public var putsWithKeys = true

        /// The token that the client sends on each connection before anything else; `nil` for none.
        ///
        /// A manager that does not ask for tokens is used as if there was none.
        public var token: AccessToken?

        /// The certificates for managers whose address has TLS; `nil` for the CAs that the system trusts and no
        /// certificate of the client's own.
        public var tls: ClientTLS?

        /// The logger for lost connections and failed attempts, at debug level.
        public var logger = Logger(label: "beanrow.client") { _ in SwiftLogNoOpLogHandler() }

        /// How long a manager may take to close a connection after `quit`.
        package var quitTimeout = Duration.seconds(3)

        /// The clock for delays and timeouts.
        package var clock = ClientClock.continuous

        /// Returns a number from 0 to its argument − 1.
        package var randomNumber: @Sendable (Int) -> Int = { Int.random(in: 0..<$0) }

        /// Creates the default options.
        public init() {}
    }
}
