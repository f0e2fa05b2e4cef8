// Scripts that behave like Blossom servers people run, quirks included: enough of each to
// try a client of ours against it.
//
// `url` is where the server will be reached, without a trailing slash: some compare it with
// a token's server tags. It is known once the server listens, so a profile is usually set
// by FakeServer::set_script().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/fake_script.h"

namespace espalier::test {

// blossom-server 6: answers known blobs before their body is read, 503 when busy, 411 to
// chunked bodies, 204 to HEAD /upload, refuses bad tokens even on public reads, and mirrors
// nothing from private addresses.
Script reference6(std::string_view url = {});
// blossom-server 4: each token works once, wrong sizes and types in descriptors, and a
// stranger's DELETE is "done" without being done.
Script reference4(std::string_view url = {});
// khatru: reads only standard padded base64 (else 404 on upload), 500 for a missing blob.
Script khatru(std::string_view url = {});
// route96: refuses tokens older than 180 s, cuts open ranges to 8 MiB, wants its own full
// URL in server tags, and says 200 to every upload.
Script route96(std::string_view url = {});
// nostrcheck: says 200 to HEAD of what it does not have.
Script nostrcheck(std::string_view url = {});

// The names above, and "plain".
std::vector<std::string_view> profile_names();
std::optional<Script> profile(std::string_view name, std::string_view url);

}  // namespace espalier::test
