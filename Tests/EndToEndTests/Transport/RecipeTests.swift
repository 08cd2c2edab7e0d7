import Foundation
import Glibc
import Testing

/// Runs the recipes of docs/security.md as they are written there, with other paths, ports and host names.
@Suite(.onOwnThread, .enabled(if: TestSettings.isBeanrow)) struct RecipeTests {
    private static let page = Executables.package.appendingPathComponent("docs/security.md")

    /// The titles of all recipes.
    private static let titles: [String] = {
        let text = (try? String(contentsOf: page, encoding: .utf8)) ?? ""
        guard let start = text.range(of: "\n## Recipes\n") else { return [] }
        let headings = text[start.upperBound...].split(separator: "\n").filter { $0.hasPrefix("### ") }
        return headings.map { String($0.dropFirst(4)) }
    }()

    @Test func `there are recipes`() {
        #expect(Self.titles.count >= 5)
    }

    @Test(arguments: titles) func `the commands of a recipe work`(_ title: String) throws {
        try TestBed.with(managers: 0) { bed in
            let certificates = try block("## A CA of your own", "sh").replacing("m1.example.org", with: "localhost")
            let made = try bed.run("bash", ["-e", "-c", "cd '\(bed.directory.path)'; \(certificates)"])
            try #require(made.end == .exited(0), "\(made.errors)")
            var run = Run(bed: bed, socket: try bed.socketPath(), tunnel: try bed.reservePort())
            if title.contains("no TLS") { run.configuration = try block("### \(title)", "ini") }
            for line in try block("### \(title)", "sh").split(separator: "\n") { try run.carryOut(String(line)) }
            #expect(run.puts > 0)
        }
    }

    /// Returns the first block of a language below a heading.
    private func block(_ heading: String, _ language: String) throws -> String {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let start = try #require(text.range(of: "\n\(heading)\n"))
        let open = try #require(text.range(of: "\n```\(language)\n", range: start.upperBound..<text.endIndex))
        let end = try #require(text.range(of: "\n```\n", range: open.upperBound..<text.endIndex))
        return String(text[open.upperBound..<end.lowerBound])
    }
}

/// The run of one recipe.
private struct Run {
    let bed: TestBed
    let socket: String
    let tunnel: Int
    var configuration = ""
    var puts = 0
    private var plain = 0
    private var tls = 0

    init(bed: TestBed, socket: String, tunnel: Int) {
        self.bed = bed
        self.socket = socket
        self.tunnel = tunnel
    }

    mutating func carryOut(_ line: String) throws {
        let words = translate(line).split(separator: " ").map(String.init)
        switch words.first {
        case "beanrow-manager":
            let manager = try bed.start(Executables.manager, Array(words.dropFirst()))
            let address = try #require(manager.output.line(startingWith: "listening on "), "\(manager.errors.text)")
            let port = address.split(separator: ":").last.flatMap { Int($0) } ?? 0
            if address.contains("tls://") { tls = port } else { plain = port }
        case "stunnel4":
            try translate(configuration).write(toFile: bed.path("stunnel.conf"), atomically: false, encoding: .utf8)
            let program = try bed.start("stunnel4", Array(words.dropFirst()))
            try eventually("stunnel accepts connections: \(program.errors.text)") {
                (try? BeanstalkSocket(port: tunnel)) != nil
            }
        case "beanrow-producer":
            let result = try bed.run(Executables.producer, Array(words.dropFirst()), input: "a task\n")
            #expect(result.end == .exited(0), "\(line)\n\(result.errors)")
            puts += 1
        default:
            Issue.record("not a command of a recipe: \(line)")
        }
    }

    private func translate(_ text: String) -> String {
        var text = text
        let isManager = text.hasPrefix("beanrow-manager")
        for (written, real) in [
            ("/var/lib/beanrow/tasks.db", bed.database), ("/run/beanrow/m1.sock", socket),
            ("/etc/beanrow", bed.directory.path), ("--socket-group beanrow", "--socket-group \(getegid())"),
            ("0.0.0.0:11301", "127.0.0.1:0"), ("127.0.0.1:11300", "127.0.0.1:\(isManager ? 0 : plain)"),
            ("m1.example.org:11301", "localhost:\(tls)"), ("m1.example.org", "localhost"), ("11310", "\(tunnel)"),
        ] {
            text = text.replacing(written, with: real)
        }
        return text
    }
}
