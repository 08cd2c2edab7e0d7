import NIOCore
import Testing

@testable import Manager

/// The memory that is used for clients, and its bounds.
@Suite struct MemoryBudgetTests {
    private let budget = MemoryBudget(limit: 64 << 20)

    private func keep(bodies: Int = 0, commands: Int = 0, watches: Int = 0, unread: Int = 0) {
        let new = MemoryBudget.Held(bodies: bodies, commands: commands, watches: watches, unread: unread)
        budget.change(from: budget.held, to: new)
    }

    @Test func `each part has a bound of its own`() {
        keep(bodies: 16 << 20, commands: (8 << 20) - 1, watches: (8 << 20) - 1, unread: (8 << 20) - 1)
        #expect(!budget.hasTooManyBodies && !budget.hasTooManyCommands && !budget.hasTooManyWatches)
        #expect(!budget.isUnreadScarce && !budget.hasTooMuchUnread)
        keep(bodies: (16 << 20) + 1)
        #expect(budget.hasTooManyBodies)
        keep(commands: 8 << 20)
        #expect(budget.hasTooManyCommands)
        keep(watches: 8 << 20)
        #expect(budget.hasTooManyWatches)
        keep(unread: 8 << 20)
        #expect(budget.isUnreadScarce && !budget.hasTooMuchUnread)
        keep(unread: 17 << 20)
        #expect(budget.hasTooMuchUnread)
        keep()
        #expect(budget.total == 0)
    }

    @Test func `a body of the largest size is never too much by itself`() {
        for size in [1, 65535, 1 << 30] {
            let budget = MemoryBudget(limit: ManagerConfiguration.leastMemory(maximumTaskSize: size))
            budget.change(from: .init(), to: .init(bodies: size, unread: size + 100))
            #expect(!budget.hasTooManyBodies && !budget.hasTooMuchUnread)
        }
    }

    @Test func `one session gets less at once if more answers are unread`() {
        var before = budget.answersForOne
        #expect(before == 1 << 20)
        for unread in 1...16 {
            keep(unread: unread << 20)
            #expect(budget.answersForOne < before)
            before = budget.answersForOne
        }
        #expect(before == 0)
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
