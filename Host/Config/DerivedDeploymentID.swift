import HostCore

/// Makes the id of a deployment that states none.
///
/// It is the model's name, `~`, and the entry's position, from 1, among the entries of that name: `gpt-4o-mini~1`. In
/// the name each byte other than ASCII letters, digits, `.`, `_` and `-` becomes `~` and two hexadecimal digits, so that
/// the id can stand in a header, a URL and a comma list, and no two entries get the same. Parameters and secrets have no
/// part in it: a rotated key leaves every copy of a file reachable. Reordering entries of one name does not; such entries
/// should state `model_info.id`.
enum DerivedDeploymentID {
    static func make(modelName: String, position: Int) -> DeploymentID {
        let name = modelName.utf8.map { byte in
            let character = String(decoding: [byte], as: UTF8.self)
            if character.consists(ofLettersDigitsAnd: "._-") { return character }
            let digits = String(byte, radix: 16, uppercase: true)
            return "~" + (digits.count == 1 ? "0" : "") + digits
        }
        return DeploymentID("\(name.joined())~\(position)")
    }
}
