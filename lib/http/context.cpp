#include "http/context.h"

namespace espalier::http {
namespace {

constexpr std::string_view kRetryAfterSeconds = "1";

// What a status demands besides a reason.
template <class Add>
void companions(int status, Add&& add) {
    if (status == 503) add("Retry-After", kRetryAfterSeconds);
    if (status == 405) add("Allow", "GET, HEAD, PUT, DELETE, OPTIONS");
}

}  // namespace

void write_refusal(InstantReply& reply, const Refusal& refusal, bool head_only) {
    reply.begin(refusal.status);
    reply.header("X-Reason", refusal.reason);
    reply.header("Content-Type", "application/json");
    companions(refusal.status, [&](auto name, auto value) { reply.header(name, value); });
    reply.end(message_json(refusal.reason), head_only);
}

Reply refusal_reply(const Refusal& refusal) {
    Reply reply = Reply::json(refusal.status, message_json(refusal.reason));
    reply.reason(refusal.reason);
    companions(refusal.status, [&](auto name, auto value) { reply.header(name, value); });
    return reply;
}

}  // namespace espalier::http
