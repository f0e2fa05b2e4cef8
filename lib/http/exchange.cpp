#include "http/exchange.h"

#include <exception>
#include <utility>

namespace espalier::http {
namespace {

// A body that nobody read, if it is no longer and is here already, is swallowed so that the
// connection can be kept.
constexpr std::uint64_t kSwallowedBytesMax = 65'536;
constexpr Refusal kFailed{500, "something went wrong here"};

Forwarded who_asks(const Context& context, const Connection& connection) {
    if (connection.trusted) {
        return read_forwarded(connection.head, connection.peer, context.trusted);
    }
    return {.peer = connection.peer, .host = std::string(connection.head.host)};
}

}  // namespace

Exchange::Exchange(Context& context, Connection& connection, Envelope& envelope)
    : context_(context),
      connection_(connection),
      envelope_(envelope),
      id_(context.ids.next()),
      forwarded_(who_asks(context, connection)),
      wire_(connection.socket.get(), context.options.client_min_rate,
            context.options.client_min_rate_over),
      body_(wire_, connection.in, connection.head,
            connection.head.has_body() ? context.handlers.body_bytes_max(connection.head) : 0) {}

void Exchange::answer() {
    send(ask());
}

void Exchange::refuse(const Refusal& refusal) {
    send(refusal_reply(refusal));
}

Reply Exchange::ask() {
    Request request{.head = connection_.head,
                    .body = body_,
                    .peer = forwarded_.peer,
                    .id = id_,
                    .secure = forwarded_.secure,
                    .host = forwarded_.host};
    // The client learns nothing of what was thrown; the log does.
    try {
        return context_.handlers.handle(request);
    } catch (const std::exception& failure) {
        context_.log.error("a handler failed", {{"id", id_}, {"what", failure.what()}});
    } catch (...) {
        context_.log.error("a handler failed", {{"id", id_}});
    }
    return refusal_reply(kFailed);
}

void Exchange::send(Reply reply) {
    answered_ = true;
    envelope_.tick(base::SystemClock().unix_now());
    const bool body_over = body_.swallow(kSwallowedBytesMax);
    const ReplyTo to{.head = connection_.head,
                     .id = id_,
                     .keep = body_over && connection_.head.keep_alive &&
                             !context_.stopping.load(std::memory_order_relaxed)};
    const Sent sent = respond(to, reply, wire_, envelope_);
    after_ = conclude(sent, reply);
    if (!body_over && after_ == After::close && !sent.cut) after_ = After::linger;
}

After Exchange::conclude(const Sent& sent, Reply& reply) {
    if (sent.parked) {
        connection_.parking = {.source = std::get<std::shared_ptr<Source>>(reply.content()),
                               .chunked = sent.chunked,
                               .keep = sent.keep,
                               .status = sent.status,
                               .client = forwarded_.peer,
                               .request_id = id_,
                               .begun = begun_};
        return After::parked;
    }
    context_.handlers.answered({.head = connection_.head,
                                .client = forwarded_.peer,
                                .request_id = id_,
                                .status = sent.status,
                                .body_bytes = sent.body_bytes,
                                .took = base::elapsed_since(begun_),
                                .cut = sent.cut,
                                .headers = &reply.headers()});
    return sent.keep ? After::keep : After::close;
}

}  // namespace espalier::http
