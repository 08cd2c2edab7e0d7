internal import ArgumentParser

/// The options for the form of the output.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON document (docs/json.md).")
    var json = false

    @Flag(help: "Print one JSON object per line.")
    var jsonl = false

    func validate() throws {
        guard !(json && jsonl) else { throw ValidationError("--json and --jsonl cannot be used together") }
    }

    /// Writes in this form.
    var printer: Printer {
        Printer(format: json ? .json : jsonl ? .jsonLines : .table)
    }
}
