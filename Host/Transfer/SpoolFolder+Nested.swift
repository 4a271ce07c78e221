#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension SpoolFolder {
    /// A folder in this one; nil if there is none.
    ///
    /// It blocks, as does all that follows.
    func folder(_ name: String) throws(SpoolError) -> SpoolFolder? {
        let nested = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard nested >= 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { throw SpoolDescriptor.error("opened", errno) }
            return nil
        }
        return SpoolFolder(nested)
    }

    /// A folder in this one, which is made if it is missing and survives a loss of power then.
    func madeFolder(_ name: String) throws(SpoolError) -> SpoolFolder {
        guard mkdirat(descriptor, name, 0o700) == 0 || errno == EEXIST else {
            throw SpoolDescriptor.error("created", errno)
        }
        // Also if it is there: whoever has made it may not have come so far yet.
        try sync()
        guard let folder = try folder(name) else { throw SpoolDescriptor.error("opened", ENOENT) }
        return folder
    }

    /// Gives a file a name in another folder in place of its own.
    func move(_ name: String, to folder: SpoolFolder, as newName: String) throws(SpoolError) {
        guard renameat(descriptor, name, folder.descriptor, newName) == 0 else {
            throw SpoolDescriptor.error("renamed", errno)
        }
    }

    /// Has a name stand for the content of another file; what it stood for is gone then.
    func replace(_ name: String, by other: String) throws(SpoolError) {
        let passing = "\(name).link"
        try remove(passing)
        guard linkat(descriptor, other, descriptor, passing, 0) == 0 else {
            throw SpoolDescriptor.error("linked", errno)
        }
        try move(passing, to: self, as: name)
    }

    /// How long a regular file is, and how many names it has; nil if there is none.
    func extent(of name: String) throws(SpoolError) -> (sizeInBytes: Int64, names: Int64)? {
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            guard errno == ENOENT else { throw SpoolDescriptor.error("looked up", errno) }
            return nil
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        return (Int64(status.st_size), max(1, Int64(status.st_nlink)))
    }

    /// Waits until the disk knows the names.
    func sync() throws(SpoolError) {
        guard fsync(descriptor) == 0 else { throw SpoolDescriptor.error("written", errno) }
    }

    /// Removes a folder with the files in it; one into which a file comes meanwhile stays.
    ///
    /// A file that cannot be removed does not keep the others; then what refused is thrown.
    func removeFolder(_ name: String) throws(SpoolError) {
        guard let nested = try folder(name) else { return }
        var refusal: SpoolError?
        for file in try nested.names() where file != "." && file != ".." {
            do throws(SpoolError) { try nested.remove(file) } catch { refusal = error }
        }
        if let refusal { throw refusal }
        guard unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENOTEMPTY else {
            throw SpoolDescriptor.error("removed", errno)
        }
    }
}
