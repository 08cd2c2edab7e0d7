import Testing

/// The producer and the consumer, as they are used at a prompt and in scripts.
@Suite(.onOwnThread, .enabled(if: TestSettings.isBeanrow, "tests commands of Beanrow"))
enum CommandLineTests {}
