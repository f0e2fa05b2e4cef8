// What a FakeServer does for each kind of request, once nothing stands in its way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "support/fake_auth.h"
#include "support/fake_books.h"
#include "support/socket.h"

namespace espalier::test {

struct Request {
    Seen seen;
    std::optional<Token> token;
    std::shared_ptr<std::string> body = std::make_shared<std::string>();
    bool body_kept = true;  // false: too long, `body` is only its beginning
};

// Where the op is done.
struct Place {
    Books& books;
    const Script& script;
    std::string url;       // of the server, without a trailing slash
    Interrupt& interrupt;  // ends a mirror's fetch
};

Op op_of(std::string_view method, std::string_view path);
// The 64 hex digits that a path names; "" if none.
std::string hash_in(std::string_view path);
// The answer to a PUT that is known to be wrong or needless before its body is read.
std::optional<Answer> answer_early(const Request& request, const Place& place);
Answer perform(const Request& request, const Place& place);

}  // namespace espalier::test
