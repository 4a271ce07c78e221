import Foundation
import NIOSSL
import Testing

/// A certificate authority, and a server's certificate signed by it, made for one test run.
struct TestAuthority {
    let folder: URL
    var rootPath: String { folder.appending(path: "ca.pem").path() }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "upstream-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try "subjectAltName=DNS:localhost,DNS:*.test.invalid\nbasicConstraints=CA:FALSE\n"
            .write(to: folder.appending(path: "names"), atomically: true, encoding: .utf8)
        try "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"
            .write(to: folder.appending(path: "address"), atomically: true, encoding: .utf8)
        try openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=Test authority",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem"
        )
        for kind in ["names", "address"] {
            try openssl(
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-subj",
                "/CN=server",
                "-keyout",
                "\(kind).key",
                "-out",
                "\(kind).csr"
            )
            try openssl(
                "x509",
                "-req",
                "-in",
                "\(kind).csr",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-days",
                "1",
                "-extfile",
                kind,
                "-out",
                "\(kind).pem"
            )
        }
    }

    func remove() throws {
        try FileManager.default.removeItem(at: folder)
    }

    /// A server's context; `certificate` is `names` or `address`.
    func server(_ certificate: String) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(folder.appending(path: "\(certificate).pem").path())
        let key = try NIOSSLPrivateKey(file: folder.appending(path: "\(certificate).key").path(), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.applicationProtocols = ["h2", "http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    private func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = folder
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments.joined(separator: " "))")
    }
}
