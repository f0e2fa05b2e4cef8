// The pieces that fake_ops.h is put together from: one function per kind of request, and
// what they share.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "support/fake_ops.h"

namespace espalier::test {

// 64 lower-case hex digits.
bool is_hash(std::string_view text);
Answer json_answer(int status, const nlohmann::json& body);
// As the script wants descriptors to be.
nlohmann::json descriptor(const std::string& hash, const Blob& blob, const Place& place);
Answer missing(bool to_head, const Script& script);

Answer read_blob(const Request& request, const Place& place);  // GET and HEAD
Answer upload(const Request& request, const Place& place);
Answer transform(const Request& request, const Place& place);  // PUT /media
Answer mirror(const Request& request, const Place& place);
Answer remove(const Request& request, const Place& place);

}  // namespace espalier::test
