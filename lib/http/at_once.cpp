#include "http/at_once.h"

#include <exception>

namespace espalier::http {

namespace {

// A handler that throws declines: the worker's way says 500 if it fails there as well.
bool ask(Context& context, const Head& head, std::string_view client, InstantReply& reply) {
    try {
        return context.handlers.instant(head, client, reply);
    } catch (const std::exception& failure) {
        context.log.error("an instant handler failed", {{"what", failure.what()}});
    } catch (...) {
        context.log.error("an instant handler failed");
    }
    return false;
}

}  // namespace

Persistence persistence_of(const Head& head, bool keep) {
    if (!keep) return Persistence::close;
    return head.http10 ? Persistence::keep_alive : Persistence::silent;
}

bool answer_at_once(Context& context, Envelope& envelope, const Connection& connection,
                    const Head& head, bool keep, std::string& out) {
    if (head.has_body()) return false;
    std::string forwarded;
    std::string_view client = connection.peer;
    if (connection.trusted) client = forwarded = context.trusted.client_of(head, client);
    const auto before = out.size();
    InstantReply reply(out, &envelope, persistence_of(head, keep));
    if (!ask(context, head, client, reply) || reply.status() == 0) {
        out.resize(before);
        return false;
    }
    count(context.tally.requests);
    count(context.tally.instant);
    context.handlers.answered({.head = head,
                               .client = client,
                               .request_id = envelope.last_id(),
                               .status = reply.status(),
                               .body_bytes = reply.body_bytes(),
                               .at_once = true});
    return true;
}

}  // namespace espalier::http
