import HostCore

/// An upload in parts that is about to begin.
package struct NewUpload: Sendable {
    package let id: ObjectID
    package let owner: Owner
    /// The team of the key that begins it; its members share the upload.
    package let teamID: TeamID?
    package let terms: UploadTerms

    /// Describes an upload that a principal begins: it is the owner.
    package init(for principal: Principal, _ terms: UploadTerms) {
        id = ObjectID(.upload, uuid: .random())
        owner = principal.owner
        teamID = principal.teamID
        self.terms = terms
    }
}
