#include "http/respond.h"

#include <array>
#include <charconv>

#include "base/text.h"
#include "http/at_once.h"
#include "http/selection.h"
#include "http/stream_writer.h"

namespace espalier::http {
namespace {

// These are the room's to say.
bool is_ours(std::string_view name) {
    constexpr std::array<std::string_view, 8> kOurs{
        "Content-Length", "Transfer-Encoding", "Connection", "Date",
        "Server",         "X-Request-Id",      "Keep-Alive", "Access-Control-Allow-Origin"};
    for (const auto ours : kOurs) {
        if (base::equal_ignoring_case(name, ours)) return true;
    }
    return base::equal_ignoring_case(name, "Access-Control-Expose-Headers");
}

bool has_no_body(int status) {
    return status < 200 || status == 204 || status == 304;
}

// One reply on its way.
class Sending {
public:
    Sending(const ReplyTo& to, Reply& reply, Wire& wire, const Envelope& envelope)
        : to_(to), reply_(reply), wire_(wire), envelope_(envelope) {
        selection_ = select(to.head, reply);
        sent_.status = reply.status();
        sent_.keep = to.keep && !reply.closes();
    }

    Sent run() {
        const bool bodiless = to_.head.method == "HEAD" || has_no_body(reply_.status());
        if (bodiless) {
            send_head_only();
        } else {
            std::visit([this](auto& content) { send(content); }, reply_.content());
        }
        if (sent_.cut) sent_.keep = false;
        return sent_;
    }

private:
    std::string head(std::optional<std::uint64_t> length, bool chunked = false) {
        const Framing framing{.length = length,
                              .chunked = chunked,
                              .persistence = persistence_of(to_.head, sent_.keep)};
        return head_of(reply_, framing, envelope_, to_.id);
    }

    void send_head_only() {
        std::optional<std::uint64_t> length = selection_.length;
        if (reply_.stated_length()) length = reply_.stated_length();
        const auto* stream = std::get_if<StreamBody>(&reply_.content());
        if (stream != nullptr && !reply_.stated_length()) length = stream->length;
        if (std::holds_alternative<std::shared_ptr<Source>>(reply_.content())) length.reset();
        if (has_no_body(reply_.status())) length.reset();
        sent_.cut = !wire_.send(head(length));
    }

    void send(const std::string& bytes) {
        const auto part = std::string_view(bytes).substr(selection_.offset, selection_.length);
        sent_.cut = !wire_.send(head(part.size()), part);
        if (!sent_.cut) sent_.body_bytes = part.size();
    }

    void send(const FileBody& body) {
        const bool begun = wire_.send(head(selection_.length), selection_.length > 0);
        sent_.cut =
            !begun || !wire_.send_file(body.file->get(), selection_.offset, selection_.length);
        if (!sent_.cut) sent_.body_bytes = selection_.length;
    }

    void send(StreamBody& body) {
        const bool chunked = begin_stream(body.length);
        if (wire_.failed()) return;
        StreamWriter writer(wire_, body.length, chunked);
        bool whole = false;
        try {
            whole = body.write(writer);
        } catch (...) {
            whole = false;  // the cut tells the client; the handler's words are not for it
        }
        sent_.body_bytes = writer.written();
        sent_.cut = !whole || !writer.finish();
    }

    void send(const std::shared_ptr<Source>& /*source*/) {
        sent_.chunked = begin_stream(std::nullopt);
        sent_.parked = !wire_.failed();
    }

    // Sends the head; true = the body is chunked. Without either it lasts until the close.
    bool begin_stream(std::optional<std::uint64_t> length) {
        const bool chunked = !length && !to_.head.http10;
        if (!length && !chunked) sent_.keep = false;
        sent_.cut = !wire_.send(head(length, chunked));
        return chunked;
    }

    const ReplyTo& to_;
    Reply& reply_;
    Wire& wire_;
    const Envelope& envelope_;
    Selection selection_;
    Sent sent_;
};

}  // namespace

std::string head_of(const Reply& reply, const Framing& framing, const Envelope& envelope,
                    std::string_view id) {
    std::string out;
    out.reserve(1024);
    envelope.open(out, reply.status(), id);
    for (const auto& [name, value] : reply.headers()) {
        if (!is_ours(name)) out.append(name).append(": ").append(value).append("\r\n");
    }
    if (reply.status() >= 400 && !reply.headers().has("X-Reason")) {
        out.append("X-Reason: ").append(reason_phrase(reply.status())).append("\r\n");
    }
    append_persistence(out, framing.persistence);
    if (framing.chunked) out.append("Transfer-Encoding: chunked\r\n");
    if (framing.length) {
        out.append(base::text("Content-Length: ", *framing.length, "\r\n"));
    }
    return out.append("\r\n");
}

Sent respond(const ReplyTo& to, Reply& reply, Wire& wire, const Envelope& envelope) {
    return Sending(to, reply, wire, envelope).run();
}

}  // namespace espalier::http
