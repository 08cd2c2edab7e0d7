import Testing

/// What a client may rely on, rule by rule, in the order of the protocol's document.
///
/// Nothing here knows that there is a database: the same tests pass against beanstalkd
/// (`BEANROW_TEST_SERVER="beanstalkd -l 127.0.0.1 -p {port}"`), where a test does not speak of what Beanrow adds. Where a
/// test connects to two managers, beanstalkd is both of them.
@Suite(.onOwnThread)
enum ProtocolTests {}
