internal import BeanstalkWire

extension Request {
    /// The bytes of its body.
    var bodySize: Int {
        if case .command(.put(_, _, _, let body, _)) = self { body.count } else { 0 }
    }
}
