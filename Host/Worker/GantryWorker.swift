import CSandbox

/// Runs one plugin in a sandbox and steps its operations for the host that started it.
@main
enum GantryWorker {
    static func main() {
        print("landlock \(gantry_landlock_abi())")
    }
}
