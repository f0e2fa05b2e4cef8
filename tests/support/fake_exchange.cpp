#include "support/fake_exchange.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/hex.h"
#include "base/text.h"

namespace espalier::test {
namespace {

constexpr std::size_t kSeenBodyMax = 65536;

BodyReader body_of(const base::Headers& headers) {
    if (base::equal_ignoring_case(headers.value("Transfer-Encoding"), "chunked"))
        return BodyReader::of_chunks();
    return BodyReader::of_length(base::parse_number(headers.value("Content-Length")).value_or(0));
}

bool has_no_body(const Answer& answer, const Seen& seen) {
    return seen.method == "HEAD" || answer.status == 204 || answer.status == 304;
}

std::string chunk_size(std::size_t bytes) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes, 16).ptr;
    return {digits.data(), end};
}

}  // namespace

Exchange::~Exchange() {
    if (counted_) line_.books.end_upload();
}

void Exchange::open(const MessageHead& head) {
    auto& seen = request_.seen;
    seen.method = head.word(0);
    seen.path = head.word(1);
    seen.headers = head.headers;
    seen.content_length = base::parse_number(head.headers.value("Content-Length"));
    seen.op = op_of(seen.method, seen.path);
    seen.connection = line_.number;
    body_ = body_of(head.headers);
    const auto connection = head.headers.value("Connection");
    keep_alive_ = head.word(2) == "HTTP/1.1" && !base::equal_ignoring_case(connection, "close");
    scripted_ = line_.books.use_op_script(seen.op);
    index_ = line_.books.open(seen);
}

// Changes our own record and the public one alike.
void Exchange::amend(const std::function<void(Seen&)>& change) {
    change(request_.seen);
    line_.books.amend(index_, change);
}

bool Exchange::rest(base::Deadline deadline) {
    const auto io = line_.socket.rest(deadline);
    return io == Io::timed_out || io == Io::rung;
}

bool Exchange::pause(Pause OpScript::* which) {
    const auto start = base::Steady::now();
    for (;;) {
        const auto pause = op_script().*which;
        const auto until = base::Deadline::at(start + pause.delay);
        if (until.passed() && !pause.hold) return true;
        if (!rest(until.passed() ? base::Deadline::never() : until)) return false;
    }
}

bool Exchange::wait_turn(std::uint64_t Script::* rate, std::uint64_t bytes) {
    const auto start = base::Steady::now();
    for (;;) {
        const auto now = (*script()).*rate;
        if (now == 0) return true;
        const auto turn = base::Deadline::at(start + base::Milliseconds(bytes * 1000 / now));
        if (turn.passed()) return true;
        if (!rest(turn)) return false;
    }
}

bool Exchange::is_upload() const {
    return request_.seen.op == Op::upload || request_.seen.op == Op::media;
}

Next Exchange::serve() {
    const auto head = line_.reader.read_head();
    if (!head) return line_.interrupt.stopped() ? Next::reset : Next::close;
    open(*head);
    if (!pause(&OpScript::before_body)) return lost();
    if (auto early = early_answer()) return reply_before_body(std::move(*early), script()->after);
    const bool expects = request_.seen.headers.has("Expect") && script()->send_continue;
    if (expects) line_.socket.write_all("HTTP/1.1 100 Continue\r\n\r\n", base::Deadline::never());
    return finish(read_body());
}

Next Exchange::finish(BodyEnd end) {
    if (end == BodyEnd::lost) return lost();
    if (end == BodyEnd::cut) return cut(script()->cut_upload.value_or(CutAt{}).how);
    if (end == BodyEnd::refused) {
        const auto refusing = script()->refuse_upload.value_or(Refusal{});
        auto answer = refusal(refusing.status, "refused by script");
        for (const auto& [name, value] : refusing.headers) answer.headers.set(name, value);
        return reply_before_body(std::move(answer), refusing.after);
    }
    if (!pause(&OpScript::before_answer)) return lost();
    const auto how = scripted_ ? op_script().cut : Cut::none;
    if (how != Cut::none) return cut(how);
    return reply(answer_now(), keep_alive_ && script()->keep_alive);
}

std::optional<Answer> Exchange::early_answer() {
    const auto now = script();
    if (now->early_hook) {
        if (auto answer = now->early_hook(request_.seen)) return answer;
    }
    const auto op = op_script();
    if (scripted_ && op.early && op.status != 0) return answer_now();
    auto admission = admit(request_.seen, now->auth, line_.books);
    if (admission.refusal) return std::move(admission.refusal);
    request_.token = std::move(admission.token);
    if (auto answer = busy()) return answer;
    return answer_early(request_, {line_.books, *now, line_.url, line_.interrupt});
}

std::optional<Answer> Exchange::busy() {
    if (!is_upload()) return std::nullopt;
    counted_ = true;
    const int under_way = line_.books.begin_upload();
    const int most = script()->uploads_max;
    if (most == 0 || under_way <= most) return std::nullopt;
    auto answer = refusal(503, "too many uploads");
    answer.headers.add("Retry-After", "1");
    return answer;
}

// What the script wants instead of reading on.
std::optional<Exchange::BodyEnd> Exchange::interfere(const Script& script) const {
    if (!is_upload() || replied_) return std::nullopt;
    const auto received = request_.seen.body_bytes_received;
    if (script.cut_upload && received >= script.cut_upload->bytes) return BodyEnd::cut;
    if (script.refuse_upload && received >= script.refuse_upload->at) return BodyEnd::refused;
    return std::nullopt;
}

std::size_t Exchange::piece_max(const Script& script) const {
    std::uint64_t most = buffer_.size();
    if (script.read_rate > 0) most = std::clamp<std::uint64_t>(script.read_rate / 50, 1, most);
    if (!is_upload()) return most;
    const auto stop_at = [&](std::uint64_t bytes) {
        const auto received = request_.seen.body_bytes_received;
        if (bytes > received) most = std::min(most, bytes - received);
    };
    if (script.cut_upload) stop_at(script.cut_upload->bytes);
    if (script.refuse_upload) stop_at(script.refuse_upload->at);
    if (script.stall_upload_at) stop_at(*script.stall_upload_at);
    return most;
}

void Exchange::absorb(std::string_view bytes, const Script& script) {
    hash_.update(std::as_bytes(std::span(bytes)));
    if (request_.body->size() + bytes.size() > script.keep_bytes_max) request_.body_kept = false;
    if (request_.body_kept) request_.body->append(bytes);
    amend([bytes](Seen& seen) {
        seen.body_bytes_received += bytes.size();
        seen.body += bytes.substr(0, kSeenBodyMax - std::min(seen.body.size(), kSeenBodyMax));
    });
}

Exchange::BodyEnd Exchange::read_body() {
    for (;;) {
        const auto now = script();
        if (const auto instead = interfere(*now)) return *instead;
        if (body_.complete()) break;
        const auto received = request_.seen.body_bytes_received;
        if (is_upload() && now->stall_upload_at && received >= *now->stall_upload_at) {
            if (!rest(base::Deadline::never())) return BodyEnd::lost;
            continue;
        }
        const auto got = body_.read(line_.reader, std::span(buffer_).first(piece_max(*now)));
        absorb({buffer_.data(), got}, *now);
        if (got == 0 && !body_.complete()) return BodyEnd::lost;
        if (is_upload() && !wait_turn(&Script::read_rate, got)) return BodyEnd::lost;
    }
    const auto hash = base::to_hex(hash_.finish());
    amend([&hash](Seen& seen) {
        seen.body_complete = true;
        seen.body_sha256 = hash;
    });
    return BodyEnd::whole;
}

// The answer of the script, of its hook or of the op, in this order.
Answer Exchange::answer_now() {
    const auto now = script();
    const auto op = op_script();
    if (scripted_ && op.status != 0) {
        auto answer = refusal(op.status, "status by script");
        if (op.status < 400) answer = Answer{.status = op.status};
        if (!op.body.empty()) answer.body = op.body;
        return answer;
    }
    if (now->hook) {
        if (auto answer = now->hook(request_.seen)) return std::move(*answer);
    }
    return perform(request_, {line_.books, *now, line_.url, line_.interrupt});
}

Next Exchange::lost() {
    amend([](Seen& seen) { seen.gone = true; });
    return line_.interrupt.stopped() ? Next::reset : Next::close;
}

Next Exchange::cut(Cut how) {
    amend([](Seen& seen) { seen.gone = true; });
    return how == Cut::fin ? Next::close : Next::reset;
}

Next Exchange::reply_before_body(Answer answer, After after) {
    if (body_.complete()) return reply(std::move(answer), keep_alive_ && script()->keep_alive);
    const auto next = reply(std::move(answer), keep_alive_ && after == After::drain);
    if (line_.interrupt.stopped()) return Next::reset;
    if (after == After::reset || next == Next::reset) return Next::reset;
    if (after == After::close) return Next::close;
    if (after == After::linger) line_.socket.half_close();
    return read_body() == BodyEnd::whole ? next : Next::close;
}

std::string Exchange::head_of(const Answer& answer, bool keep) {
    const auto now = script();
    auto headers = answer.headers;
    if (now->allow_origin) headers.add("Access-Control-Allow-Origin", "*");
    const bool empty = answer.status == 204 || answer.status == 304;
    if (now->framing == Framing::length && !empty)
        headers.set("Content-Length", base::text(answer.head_length.value_or(answer.body.size())));
    if (now->framing == Framing::chunks && !has_no_body(answer, request_.seen))
        headers.set("Transfer-Encoding", "chunked");
    if (!keep) headers.set("Connection", "close");
    for (const auto& [name, value] : op_script().headers) headers.set(name, value);
    auto head = base::text("HTTP/1.1 ", answer.status, " ", phrase_of(answer.status), "\r\n");
    for (const auto& [name, value] : headers) head += base::text(name, ": ", value, "\r\n");
    return head + "\r\n";
}

Next Exchange::reply(Answer answer, bool keep) {
    const bool bare = has_no_body(answer, request_.seen);
    const auto now = script();
    if (now->framing == Framing::until_close && !bare) keep = false;
    const auto head = answer.raw ? *answer.raw : head_of(answer, keep);
    const bool is_all = answer.raw || bare || answer.body.empty();
    replied_ = true;
    amend([&](Seen& seen) {
        seen.answered = true;
        seen.status = answer.status;
        seen.answer_complete = is_all;
    });
    if (line_.socket.write_all(head, base::Deadline::never()) != Io::ok) return lost();
    if (answer.raw) return Next::close;
    if (bare) return keep ? Next::another : Next::close;
    if (!pause(&OpScript::before_payload)) return lost();
    return send_payload(answer, keep);
}

bool Exchange::send_piece(std::string_view piece) {
    auto& socket = line_.socket;
    if (script()->framing != Framing::chunks)
        return socket.write_all(piece, base::Deadline::never()) == Io::ok;
    const auto chunk = base::text(chunk_size(piece.size()), "\r\n", piece, "\r\n");
    return socket.write_all(chunk, base::Deadline::never()) == Io::ok;
}

// How much of the answer's body may go now; nothing: it is to be cut off here, 0: it stalls.
std::optional<std::uint64_t> Exchange::payload_max(const Script& script, std::uint64_t sent) const {
    std::uint64_t most = buffer_.size();
    if (script.write_rate > 0) most = std::clamp<std::uint64_t>(script.write_rate / 50, 1, most);
    if (script.cut_answer && sent >= script.cut_answer->bytes) return std::nullopt;
    if (script.cut_answer) most = std::min(most, script.cut_answer->bytes - sent);
    if (script.stall_answer_at)
        most = std::min(most, *script.stall_answer_at - std::min(sent, *script.stall_answer_at));
    return most;
}

Next Exchange::send_payload(const Answer& answer, bool keep) {
    std::string_view left = answer.body;
    std::uint64_t sent = 0;
    while (!left.empty()) {
        const auto now = script();
        const auto most = payload_max(*now, sent);
        if (!most) return cut(now->cut_answer->how);
        if (*most == 0) {
            if (!rest(base::Deadline::never())) return lost();
            continue;
        }
        const auto piece = left.substr(0, *most);
        left.remove_prefix(piece.size());
        sent += piece.size();
        amend([&](Seen& seen) {
            seen.answer_bytes_sent = sent;
            seen.answer_complete = left.empty();
        });
        if (!send_piece(piece) || !wait_turn(&Script::write_rate, piece.size())) return lost();
    }
    if (script()->framing == Framing::chunks)
        line_.socket.write_all("0\r\n\r\n", base::Deadline::never());
    return keep ? Next::another : Next::close;
}

}  // namespace espalier::test
