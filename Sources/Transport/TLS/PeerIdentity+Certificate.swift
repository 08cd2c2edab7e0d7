internal import NIOSSL
internal import SwiftASN1
internal import TaskStore
internal import X509

extension PeerIdentity {
    /// Reads the names of a client certificate that was verified.
    ///
    /// - Parameter certificate: the certificate; `nil` if the client has shown none.
    /// - Throws: an error if the certificate cannot be read. The connection must not be used then.
    init(verified certificate: NIOSSLCertificate?) throws {
        guard let certificate else {
            self = .anonymous
            return
        }
        self = .certificate(names: try Self.names(in: Certificate(derEncoded: certificate.toDERBytes())))
    }

    /// Returns the names of a certificate.
    ///
    /// Names with characters that no DNS name and no URI has are left out.
    private static func names(in certificate: Certificate) throws -> [String] {
        let names: [String]
        if let alternatives = try certificate.extensions.subjectAlternativeNames {
            names = alternatives.compactMap { name in
                switch name {
                case .dnsName(let name), .uniformResourceIdentifier(let name): name
                default: nil
                }
            }
        } else {
            let common = certificate.subject.flatMap { $0 }
                .filter { $0.type == .RDNAttributeType.commonName }
                .compactMap { String($0.value) }
            // With several common names it is not clear which one is meant.
            names = common.count == 1 ? common : []
        }
        return names.filter { name in !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7e).contains($0) } }
    }
}
