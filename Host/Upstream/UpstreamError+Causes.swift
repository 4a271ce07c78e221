import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

extension UpstreamError {
    /// Translates what a channel reported while a connection was made.
    static func opening(_ endpoint: UpstreamEndpoint, _ error: any Error) -> UpstreamError {
        switch error {
        case let error as UpstreamError:
            error
        case let error as NIOConnectionError where error.connectionErrors.isEmpty:
            UpstreamError(.dns, "\(endpoint.host) has no address; check the host name and the resolver", cause: error)
        case let error as NIOConnectionError:
            refusal(error) ?? UpstreamError(.connect, "\(endpoint) cannot be reached", cause: error)
        case ChannelError.connectTimeout:
            UpstreamError(.timeout, "\(endpoint) did not accept a connection in time", cause: error)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            tls(endpoint, error)
        default:
            UpstreamError(.connect, "\(endpoint) cannot be reached", cause: error)
        }
    }

    /// Translates what a channel reported while a request was running.
    static func running(_ endpoint: UpstreamEndpoint, _ error: any Error) -> UpstreamError {
        switch error {
        case let error as UpstreamError:
            error
        case HTTPParserError.invalidEOFState:
            UpstreamError(.reset, "\(endpoint) closed the connection inside its answer", cause: error)
        case HTTPParserError.headerOverflow:
            UpstreamError(.tooLarge, "\(endpoint) sent an answer whose head is over the limit", cause: error)
        case is HTTPParserError, is NIOHTTPDecoderError:
            UpstreamError(.protocolViolation, "\(endpoint) sent something that is not HTTP/1.1", cause: error)
        case NIOSSLError.uncleanShutdown:
            UpstreamError(.reset, "\(endpoint) ended the connection without closing TLS", cause: error)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            tls(endpoint, error)
        default:
            UpstreamError(.reset, "the connection to \(endpoint) broke", cause: error)
        }
    }

    /// Why none of a name's addresses was even tried; nil if one was.
    private static func refusal(_ error: NIOConnectionError) -> UpstreamError? {
        let refusals = error.connectionErrors.compactMap { $0.error as? UpstreamError }
        return refusals.count == error.connectionErrors.count ? refusals.first : nil
    }

    private static func tls(_ endpoint: UpstreamEndpoint, _ error: any Error) -> UpstreamError {
        UpstreamError(
            .tls,
            "TLS with \(endpoint) failed; check its certificate, the host name and the trusted authorities",
            cause: error
        )
    }
}
