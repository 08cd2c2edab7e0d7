/// Figures as JSON.
enum JSONText {
    /// Returns an object of scalars.
    static func render(_ figures: Figures) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { object in
            for entry in figures.entries {
                object.key(text: entry.name)
                switch entry.value {
                case .count(let count): object.number(count)
                case .time(let time): object.seconds(time)
                case .flag(let flag): object.bool(flag)
                case .word(let text), .text(let text): object.string(text)
                }
            }
        }
        return writer.bytes
    }
}
