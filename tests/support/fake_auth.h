// How a FakeServer reads tokens (BUD-11), as strictly or as oddly as its AuthScript says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/fake_books.h"

namespace espalier::test {

struct Token {
    std::string id;
    std::string pubkey;
    std::string verb;
    std::int64_t created_at = 0;
    std::int64_t expiration = 0;
    std::vector<std::string> xs;
    std::vector<std::string> servers;
};

struct Admission {
    std::optional<Token> token;     // a good one
    std::optional<Answer> refusal;  // or why not; neither: none was sent nor needed
};

// Everything about the token but its x tags.
Admission admit(const Seen& request, const AuthScript& auth, Books& books);
// Whether the token's x tags, if there are any or must be, name `hash`.
std::optional<Answer> check_x(const std::optional<Token>& token, const AuthScript& auth,
                              std::string_view hash);
// An answer with X-Reason and a small JSON body.
Answer refusal(int status, std::string_view reason);

}  // namespace espalier::test
