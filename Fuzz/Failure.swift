/// Ends the process, so that libFuzzer keeps the input that led here.
func fail(_ what: @autoclosure () -> String) -> Never {
    fatalError(what())
}
