import Testing

/// The rules that clients may rely on, in the order of the protocol's document.
///
/// These tests do not know that there is a database. They also pass against beanstalkd
/// (`BEANROW_TEST_SERVER="beanstalkd -l 127.0.0.1 -p {port}"`), except those of Beanrow's additions. If a test connects to
/// two managers, beanstalkd takes the place of both.
@Suite(.onOwnThread)
enum ProtocolTests {}
