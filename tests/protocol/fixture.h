// What the tests of this room share: reading fixture files, keys, events of nostr-tools.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/text.h"
#include "protocol/blob_hash.h"
#include "protocol/key.h"

namespace espalier::protocol {

inline constexpr std::string_view kSomeHash =
    "b1674191a88ec5cdd733e4240a81803105dc412d6c6708d53ab94fc248f4f553";

inline BlobHash some_hash() {
    return *BlobHash::parse(kSomeHash);
}
// A hash of 64 times the same digit.
inline BlobHash hash_of_digits(char digit) {
    return *BlobHash::parse(std::string(64, digit));
}
inline SecretKey some_key() {
    return *SecretKey::parse_any(std::string(62, '0') + "07");
}

inline std::string read_fixture(const std::string& name) {
    std::ifstream file(ESPALIER_SOURCE_DIR "/tests/protocol/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Events that npm's nostr-tools 2.25 serialised and signed, as a client would send them.
inline std::vector<std::string> nostr_tools_events() {
    const auto fixture = read_fixture("nostr_tools_events.jsonl");
    std::vector<std::string> events;
    for (const auto line : base::split(fixture, '\n'))
        if (!line.empty()) events.emplace_back(line);
    return events;
}

}  // namespace espalier::protocol
