import Testing

@testable import CommandLineSupport

/// Options from environment variables.
@Suite struct EnvironmentOptionsTests {
    private let options = EnvironmentOptions([
        .init("max-task-size"), .init("listen", .values), .init("allow-links", .flag),
    ])

    private func added(
        _ variables: [String: String],
        besides arguments: [String] = []
    ) throws -> EnvironmentOptions.Result {
        try options.arguments(besides: arguments) { variables[$0] }
    }

    @Test func `a variable is an option with its name in capitals`() throws {
        let result = try added(["BEANROW_MAX_TASK_SIZE": "100", "BEANROW_OTHER": "x"])
        #expect(result == .init(arguments: ["--max-task-size=100"], variables: ["BEANROW_MAX_TASK_SIZE"]))
    }

    @Test(arguments: [["--max-task-size", "5"], ["--max-task-size=5"]])
    func `the command line wins`(arguments: [String]) throws {
        #expect(try added(["BEANROW_MAX_TASK_SIZE": "100"], besides: arguments).arguments == [])
    }

    @Test func `what follows two hyphens is no option`() throws {
        let result = try added(["BEANROW_MAX_TASK_SIZE": "100"], besides: ["--", "--max-task-size", "5"])
        #expect(result.arguments == ["--max-task-size=100"])
    }

    @Test func `an empty variable counts as not set`() throws {
        #expect(try added(["BEANROW_MAX_TASK_SIZE": "", "BEANROW_ALLOW_LINKS": ""]).arguments == [])
    }

    @Test func `values of an option that may be repeated are separated by spaces`() throws {
        let result = try added(["BEANROW_LISTEN": "127.0.0.1:1 unix:/run/x"])
        #expect(result.arguments == ["--listen=127.0.0.1:1", "--listen=unix:/run/x"])
    }

    @Test(arguments: [("1", true), ("true", true), ("YES", true), ("0", false), ("False", false), ("no", false)])
    func `a flag is set by a word`(word: String, isSet: Bool) throws {
        #expect(try added(["BEANROW_ALLOW_LINKS": word]).arguments == (isSet ? ["--allow-links"] : []))
    }

    @Test func `another word for a flag is an error`() {
        #expect(throws: EnvironmentOptions.InvalidFlag(variable: "BEANROW_ALLOW_LINKS")) {
            try added(["BEANROW_ALLOW_LINKS": "maybe"])
        }
    }
}
