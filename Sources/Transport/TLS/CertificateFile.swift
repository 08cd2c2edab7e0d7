internal import Glibc
internal import NIOSSL

/// Files with certificates and keys in PEM form.
enum CertificateFile {
    /// Reads certificates that are to be shown to peers: all of them must be valid now.
    static func chain(_ path: String, now: Int = Self.now()) throws(TransportError) -> [NIOSSLCertificate] {
        let what = "the certificate"
        let certificates = try certificates(path, what)
        for certificate in certificates {
            if let reason = certificate.reasonAgainst(now) { throw TransportError(what, path, reason) }
        }
        return certificates
    }

    /// Reads the certificates of authorities: at least one of them must be valid now.
    static func authorities(
        _ path: String,
        as what: String,
        now: Int = Self.now()
    ) throws(TransportError) -> [NIOSSLCertificate] {
        let certificates = try certificates(path, what)
        let reasons = certificates.compactMap { $0.reasonAgainst(now) }
        if reasons.count == certificates.count { throw TransportError(what, path, reasons[0]) }
        return certificates
    }

    /// Reads a key.
    static func key(_ path: String) throws(TransportError) -> NIOSSLPrivateKey {
        let bytes = try TrustedFile.read(path, as: "the key", .secret)
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            let text = String(decoding: bytes, as: UTF8.self)
            let isEncrypted = text.contains("ENCRYPTED")
            throw TransportError(
                "the key",
                path,
                isEncrypted ? "is encrypted; it must not have a passphrase" : "contains no private key in PEM form"
            )
        }
    }

    /// Returns the time in seconds since 1970.
    static func now() -> Int { time(nil) }

    private static func certificates(_ path: String, _ what: String) throws(TransportError) -> [NIOSSLCertificate] {
        let bytes = try TrustedFile.read(path, as: what, .readableByAll)
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
            throw TransportError(what, path, "contains no certificate in PEM form")
        }
        return certificates
    }
}

extension NIOSSLCertificate {
    fileprivate func reasonAgainst(_ now: Int) -> String? {
        if notValidAfter < now { return "has expired" }
        if notValidBefore > now { return "is not valid yet" }
        return nil
    }
}
