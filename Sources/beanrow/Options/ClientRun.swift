internal import BeanrowClient
internal import ClientCommandSupport

extension ManagerOptions {
    /// Runs the work of a command with a client, and closes the client at the end.
    ///
    /// - Parameter work: the work.
    /// - Throws: `ExitCode`, after one line about the error was written.
    func withClient(_ work: (BeanrowClient) async throws -> Void) async throws {
        let client = try makeClient(selection: .sticky)
        do {
            try await Reporting.run { try await work(client) }
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }
}
