internal import BeanstalkWire
internal import TaskStore

extension Request {
    /// Bytes of the body that it carries.
    var bodySize: Int {
        if case .command(.put(let task)) = self { task.body.count } else { 0 }
    }
}
