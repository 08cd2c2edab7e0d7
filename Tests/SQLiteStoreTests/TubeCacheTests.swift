import TaskStore
import Testing

@testable import SQLiteStore

@Suite struct TubeCacheTests {
    @Test func `only tubes that no other manager can remove are kept`() {
        var cache = TubeCache()
        let used = Tube(id: 2, name: TubeName("used")!)
        used.using = 1
        let seen = Tube(id: 3, name: TubeName("seen")!)
        cache.insert(used)
        cache.insert(seen)
        #expect(cache[seen.name] === seen)
        cache.dropUnprotected()
        #expect(cache[seen.name] == nil && cache[3] == nil)
        #expect(cache[used.name] === used)
        used.using = 0
        cache.noteUnprotected(used)
        cache.dropUnprotected()
        #expect(cache[2] == nil)
    }

    @Test func `the cache has a limit`() {
        var cache = TubeCache()
        for id in 0..<5000 {
            cache.insert(Tube(id: Int64(id + 2), name: TubeName("t\(id)")!))
            cache.limitUnprotected()
        }
        #expect(cache.count <= 1001)
    }
}
