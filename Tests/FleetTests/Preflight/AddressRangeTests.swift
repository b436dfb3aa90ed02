import Testing

@testable import Fleet

@Suite struct AddressRangeTests {
  // F2: what the CA's own validator would refuse is not asked either, in any spelling.
  @Test(arguments: [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.169.254", "172.16.0.1",
    "172.31.255.1",
    "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::ffff:7f00:1",
    "64:ff9b::a00:1", "fc00::1", "fe80::1", "ff02::1", "2001:db8::1", "2002:7f00:1::", "no address", "",
  ])
  func aPrivateOrReservedAddressIsNotPublic(_ address: String) { #expect(!AddressRange.isPublic(address)) }

  @Test(arguments: [
    "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255",
    "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
  ])
  func aPublicAddressIs(_ address: String) { #expect(AddressRange.isPublic(address)) }
}
