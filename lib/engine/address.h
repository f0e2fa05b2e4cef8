// Which network addresses belong to the public internet.
//
// A server that fetches what strangers name must not be talked into reaching its own
// network: see RFC 6890 (special-purpose addresses) and the registries it set up.
#pragma once

#include <string>

struct sockaddr;

namespace espalier::engine {

// False for anything that is not plainly public: loopback, private, link-local, shared (CGNAT),
// unique-local, multicast, documentation, reserved; for IPv6 forms that carry an IPv4 address
// (mapped, NAT64, 6to4) what they carry decides; false for other address families.
bool is_public(const sockaddr& address);
// The same for an address in text, as in "192.0.2.1" or "2001:db8::1", without brackets.
bool is_public(const std::string& address);

}  // namespace espalier::engine
