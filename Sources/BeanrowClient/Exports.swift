// The names of tubes and tasks belong to this library's vocabulary: who imports it has them too.
@_exported public import TaskStore
