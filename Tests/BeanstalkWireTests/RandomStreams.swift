import NIOCore
import SeededRandom
import TaskStore

@testable import BeanstalkWire

extension Command {
    /// Returns a random command with random arguments.
    static func random(using generator: inout SeededGenerator, maximumBodySize: Int) -> Command {
        let id = TaskID(rawValue: Int64.random(in: 0...(.max >> Int64.random(in: 0...62)), using: &generator))
        let number = UInt32.random(in: 0...(.max >> UInt32.random(in: 0...31)), using: &generator)
        let tube = TubeName.random(using: &generator)
        switch Int.random(in: 0...25, using: &generator) {
        case 0: return .use(tube)
        case 1: return .reserve
        case 2: return .reserveWithTimeout(seconds: number >> 1)
        case 3: return .reserveJob(id)
        case 4: return .delete(id)
        case 5: return .release(id, priority: number, delay: number / 3)
        case 6: return .bury(id, priority: number)
        case 7: return .touch(id)
        case 8: return .watch(tube)
        case 9: return .ignore(tube)
        case 10: return .peek(id)
        case 11: return .peekNext(.pending)
        case 12: return .peekNext(.delayed)
        case 13: return .peekNext(.buried)
        case 14: return .kick(bound: number)
        case 15: return .kickJob(id)
        case 16: return .statsJob(id)
        case 17: return .statsTube(tube)
        case 18: return .stats
        case 19: return .listTubes
        case 20: return .listTubeUsed
        case 21: return .listTubesWatched
        case 22: return .pauseTube(tube, seconds: number)
        case 23: return .quit
        default:
            let body = [UInt8].random(count: 0...maximumBodySize, using: &generator)
            return .put(priority: number, delay: number / 5, timeToRun: number / 7, body: body)
        }
    }
}

extension TubeName {
    /// Returns a random name.
    static func random(using generator: inout SeededGenerator) -> TubeName {
        let letters = (UInt8.min...UInt8.max).filter(isNameByte)
        let length = Int.random(in: 1...(maximumLength >> Int.random(in: 0...7, using: &generator)), using: &generator)
        let name = (0..<length).map { _ in letters.randomElement(using: &generator) ?? 0x61 }
        return TubeName(name) ?? .default
    }
}

extension [UInt8] {
    /// Returns random bytes, or bytes that are common in commands.
    static func random(count: ClosedRange<Int>, using generator: inout SeededGenerator) -> [UInt8] {
        let telling =
            Bool.random(using: &generator) ? bytes("\r\n\0 -+0123456789putesrvklx") : Array(UInt8.min...UInt8.max)
        return (0..<Int.random(in: count, using: &generator)).map { _ in telling.randomElement(using: &generator) ?? 0 }
    }

    /// Changes, removes, doubles or inserts some bytes.
    mutating func mutate(using generator: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !isEmpty {
            let start = Int.random(in: indices, using: &generator)
            let end = Swift.min(count, start + Int.random(in: 0...8, using: &generator))
            switch Int.random(in: 0...4, using: &generator) {
            case 0: self[start] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            case 1: removeSubrange(start..<end)
            case 2: insert(contentsOf: self[start..<end], at: start)
            case 3: insert(contentsOf: Self.random(count: 1...8, using: &generator), at: start)
            default: removeSubrange(start...)
            }
        }
    }

    /// Cuts into pieces of random lengths, sometimes of single bytes.
    func cut(using generator: inout SeededGenerator) -> [ArraySlice<UInt8>] {
        let longest = [1, 3, 20, 200, 1000].randomElement(using: &generator) ?? 1
        var pieces: [ArraySlice<UInt8>] = []
        var start = startIndex
        while start < endIndex {
            let end = Swift.min(endIndex, start + Int.random(in: 1...longest, using: &generator))
            pieces.append(self[start..<end])
            start = end
        }
        return pieces
    }
}
