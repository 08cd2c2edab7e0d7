internal import BeanstalkWire

extension Request {
    /// Bytes of the body that it carries.
    var bodySize: Int {
        if case .command(.put(_, _, _, let body, _)) = self { body.count } else { 0 }
    }
}
