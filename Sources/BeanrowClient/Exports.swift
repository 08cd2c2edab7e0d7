// Names of tubes, ids of tasks and addresses of managers are in the public API, so importers of this library get them.
@_exported public import TaskStore
