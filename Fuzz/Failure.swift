/// Ends the process, so that libFuzzer keeps the input of this failure.
func fail(_ what: @autoclosure () -> String) -> Never {
    fatalError(what())
}
