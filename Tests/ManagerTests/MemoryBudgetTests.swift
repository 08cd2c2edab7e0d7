import NIOCore
import Testing

@testable import Manager

/// The memory that is used for clients, and its bounds.
@Suite struct MemoryBudgetTests {
    private let budget = MemoryBudget(limit: 64 << 20)

    private func keep(bodies: Int = 0, commands: Int = 0, watches: Int = 0, claims: Int = 0, unread: Int = 0) {
        let new = MemoryBudget.Held(
            bodies: bodies,
            commands: commands,
            watches: watches,
            claims: claims,
            unread: unread
        )
        budget.change(from: budget.held, to: new)
    }

    @Test func `each part has a bound of its own`() {
        let part = 16 << 20
        #expect(budget.part == part)
        keep(bodies: part, commands: (4 << 20) - 1, unread: part / 2 - 1)
        #expect(!budget.hasTooManyBodies && !budget.hasTooManyCommands())
        #expect(!budget.isUnreadScarce && !budget.hasTooMuchUnread)
        keep(bodies: part + 1)
        #expect(budget.hasTooManyBodies)
        keep(commands: 4 << 20)
        #expect(budget.hasTooManyCommands())
        #expect(!budget.hasTooManyCommands(with: -1))
        keep(unread: part / 2)
        #expect(budget.isUnreadScarce && !budget.hasTooMuchUnread)
        keep(unread: part + (1 << 20))
        #expect(budget.hasTooMuchUnread)
        keep()
        #expect(budget.total == 0)
    }

    @Test(arguments: [1, 65535, 1 << 20, 1 << 30], [4, 5, 64, 4096])
    func `all parts together are within the limit`(size: Int, times: Int) {
        let budget = MemoryBudget(limit: size * times, largestTask: size)
        #expect(budget.part >= size)
        let watches = budget.watchesLeft * MemoryBudget.bytesOfWatch
        let claims = budget.claimsLeft * MemoryBudget.bytesOfClaim
        #expect(3 * budget.part + 2 * (budget.limit / 16) + watches + claims <= budget.limit)
    }

    @Test func `a body of the largest size is never too much by itself`() {
        for size in [1, 65535, 1 << 30] {
            let limit = ManagerConfiguration.leastMemory(maximumTaskSize: size)
            let budget = MemoryBudget(limit: limit, largestTask: size)
            budget.change(from: .init(), to: .init(bodies: size, unread: size + 100))
            #expect(!budget.hasTooManyBodies && !budget.hasTooMuchUnread)
        }
    }

    @Test func `one session gets less at once if more answers are unread`() {
        var before = budget.answersForOne
        #expect(before == 16 << 16)
        for unread in 1...16 {
            keep(unread: unread << 20)
            #expect(budget.answersForOne < before)
            before = budget.answersForOne
        }
        #expect(before == 0)
    }

    @Test func `a session that takes all claims that it may have leaves some for the others`() {
        let all = budget.claimsLeft
        var counts = [0, 0, 0]
        for index in counts.indices {
            while true {
                let left = all - counts.reduce(0) { $0 + max(0, $1 - MemoryBudget.claimsAllowed) }
                let more = MemoryBudget.more(than: counts[index], allowed: MemoryBudget.claimsAllowed, left: left)
                guard more > 0 else { break }
                counts[index] += min(more, 64)
            }
            #expect(counts[index] > MemoryBudget.claimsAllowed)
        }
        #expect(counts[0] > all / 10 * 9)
        #expect(MemoryBudget.more(than: 3, allowed: 4, left: 0) == 1)
        #expect(MemoryBudget.more(than: 4, allowed: 4, left: 0) == 0)
    }

    @Test func `the connections are searched for bodies again only if there are many more`() {
        #expect(!budget.mustSearchForBodies())
        keep(bodies: (16 << 20) + 1)
        #expect(budget.mustSearchForBodies())
        budget.didSearchForBodies()
        #expect(!budget.mustSearchForBodies())
        keep(bodies: 18 << 20)
        #expect(budget.mustSearchForBodies())
        budget.didSearchForBodies()
        keep(bodies: 13 << 20)
        #expect(!budget.mustSearchForBodies())
        keep(bodies: (16 << 20) + 1)
        #expect(budget.mustSearchForBodies(), "there was room since")
    }

    @Test func `read buffers grow as long as there is room for all of them`() {
        let grants = (0..<3000).map { _ in ReceiveGrant(budget) }
        var allocators = grants.map(GrantedReceiveAllocator.init)
        for _ in 0..<8 {
            for index in allocators.indices {
                _ = allocators[index].record(actualReadBytes: allocators[index].nextBufferSize() ?? 0)
            }
        }
        let sizes = allocators.map { $0.nextBufferSize() ?? 0 }
        #expect(sizes.min() == ReceiveGrant.least)
        #expect(sizes.reduce(0) { $0 + $1 - ReceiveGrant.least } <= (64 << 20) / 16)
        for grant in grants { grant.end() }
        let last = ReceiveGrant(budget)
        var allocator = GrantedReceiveAllocator(last)
        for _ in 0..<8 { _ = allocator.record(actualReadBytes: allocator.nextBufferSize() ?? 0) }
        #expect(allocator.nextBufferSize() == ReceiveGrant.most)
        #expect(allocator.buffer(allocator: ByteBufferAllocator()).capacity >= ReceiveGrant.most)
    }
}

extension MemoryBudgetTests {
    @Test func `the TLS of connections uses at most half as much as everything else`() {
        let budget = MemoryBudget(limit: 10 * MemoryBudget.bytesOfTLS)
        #expect((0..<6).map { _ in budget.takeTLS() } == [true, true, true, true, true, false])
        budget.returnTLS()
        #expect(budget.takeTLS())
        #expect(budget.total == 0)
    }
}
