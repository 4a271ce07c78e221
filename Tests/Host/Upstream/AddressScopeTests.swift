import NIOCore
import Testing

@testable import HostUpstream

struct AddressScopeTests {
    private func scope(_ address: String) throws -> AddressScope {
        AddressScope(of: try SocketAddress(ipAddress: address, port: 443))
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
        "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2001:4860:4860::8888",
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2001:200::1", "3ffe::1",
    ])
    func anAddressOfTheInternetIsEverywhere(address: String) throws {
        #expect(try scope(address) == .everywhere)
    }

    @Test(arguments: [
        "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255", "172.16.0.0",
        "172.31.255.255", "192.168.0.0", "192.168.255.255", "198.18.0.1", "198.19.255.255", "::1", "fc00::1",
        "fdff:ffff::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:7f00:1", "64:ff9b::127.0.0.1",
        "64:ff9b::c0a8:101", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::1",
    ])
    func anAddressOfThisMachineOrItsNetworksIsInside(address: String) throws {
        #expect(try scope(address) == .inside)
    }

    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.0", "192.0.0.192", "192.0.2.1", "198.51.100.1",
        "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "100.100.100.200", "168.63.129.16", "::", "::2", "::127.0.0.1", "::a00:1", "fe80::1", "febf::1", "ff02::1",
        "ff0e::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "3fff::1", "5f00::1", "4000::1",
        "fd00:ec2::254",
        "fd20:ce::254", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
        "2002:e000:1::", "::ffff:0:127.0.0.1",
    ])
    func anAddressThatNoServiceHasIsNowhere(address: String) throws {
        #expect(try scope(address) == .nowhere)
    }

    @Test
    func aSocketOfThisMachineIsNowhere() throws {
        #expect(AddressScope(of: try SocketAddress(unixDomainSocketPath: "/run/x")) == .nowhere)
    }

    @Test(arguments: [
        ("http://127.0.0.1:1", AddressScope.inside), ("http://[::ffff:a00:1]", .inside),
        ("https://8.8.8.8", .everywhere),
        ("http://[fe80::1]", .nowhere), ("https://localhost", nil), ("https://8.8.8.8.example", nil),
    ])
    func anEndpointHasAScopeIfItIsAnAddress(url: String, expected: AddressScope?) throws {
        #expect(try UpstreamURL(parsing: url).endpoint.addressScope == expected)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("0.0.0.0/0", "255.1.2.3", true),
        ("192.0.2.5", "192.0.2.5", true), ("192.0.2.5", "192.0.2.4", false), ("172.16.0.0/12", "172.31.255.255", true),
        ("172.16.0.0/12", "172.32.0.0", false), ("fc00::/7", "fdff::1", true), ("fc00::/7", "fe00::1", false),
        ("10.0.0.0/8", "::ffff:10.0.0.1", false), ("[::1]", "::1", true),
    ])
    func aBlockHasTheAddressesThatShareItsFirstBits(block: String, address: String, expected: Bool) throws {
        let bytes = try #require(AddressBlock.bytes(of: address))

        #expect(try #require(AddressBlock(block)).contains(bytes) == expected)
    }

    @Test(arguments: [
        "", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0", "example.com", "::1/129", "10.0.0.0/8/8",
    ])
    func whatIsNotABlockIsNotReadAsOne(text: String) {
        #expect(AddressBlock(text) == nil)
    }
}
