import CGantryPlugin

/// The ABI's status codes as Swift numbers.
package enum Status {
    package static let ok: gantry_status = 0
    package static let unsupported = gantry_status(GANTRY_E_UNSUPPORTED)
    package static let invalid = gantry_status(GANTRY_E_INVALID)
    package static let state = gantry_status(GANTRY_E_STATE)
    package static let noMemory = gantry_status(GANTRY_E_NOMEM)
    package static let limit = gantry_status(GANTRY_E_LIMIT)
    package static let notFound = gantry_status(GANTRY_E_NOTFOUND)
    package static let internalError = gantry_status(GANTRY_E_INTERNAL)
}

/// The status with which a command is refused.
package struct RefusedCommand: Error, Equatable {
    package let code: gantry_status

    package init(code: gantry_status) { self.code = code }
}
